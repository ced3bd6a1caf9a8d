#!/usr/bin/env bash
# The gateway's images at machines that do not let it in: a wrong password, redirection that is switched off, consent
# that is missing. The list says why and what to do, it is tried again with pauses, and it works once it is mended.
. "$(dirname "$0")/lib.sh"
lab router
head -c 1500000 /dev/urandom >"$T/cd.img"
head -c 1501184 <(cat "$T/cd.img" /dev/zero) >"$T/cd.whole"
sum=$(sha256sum "$T/cd.whole" | cut -d' ' -f1)
chmod 644 "$T/cd.img"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=amt -keyout "$T/k.pem" -out "$T/c.pem" 2>/dev/null
machine() { # NAME ADDRESS OPTION...
  sim "$1" "$2" --profile 15 --cert "$T/c.pem" --key "$T/k.pem" --ider read --ider-drives cd --ider-random 4 "${@:3}"
}
machine wrong 10.71.2.10
machine off 10.71.2.11 --off ider
machine consent 10.71.2.12 --consent
machine good 10.71.2.13
config() { # PASSWORD of the first
  cat <<INI
[defaults]
password = $password
image = $T/cd.img
[target wrong]
address = 10.71.2.10
password = $1
[target off]
address = 10.71.2.11
[target consent]
address = 10.71.2.12
[target good]
address = 10.71.2.13
INI
}
field() { # TARGET FIELD of `amtgate images --json`
  ctl images --json | python3 -c 'import json, sys
for i in json.load(sys.stdin):
    if i["target"] == sys.argv[1]: print(i[sys.argv[2]])' "$@"
}
state() { same "$(field "$1" state)" "$2"; }
says() { field "$1" detail | grep -qE -- "$2" || { echo "  $(field "$1" detail)"; return 1; }; }
read_whole() { grep -q "\"event\":\"ider.result\".*\"sha256\":\"$sum\"" "$T/$1.json"; }
tries() { # NAME: seconds between the times that the gateway asked for the drives, one a line
  python3 - "$T/$1.json" <<'PY'
import json, sys
t = [e["t"] for e in map(json.loads, open(sys.argv[1])) if e["event"] == "start" and e["tag"] == "IDER"]
print(*(round(b - a) for a, b in zip(t, t[1:])), sep="\n")
PY
}
tried_again() { [ -n "$(tries "$1")" ]; }
patient() { [ "$(tries "$1" | sort -n | head -n 1)" -ge "$2" ] || { tries "$1"; return 1; }; }
gateway < <(config "a-wrong-one")
ok "a good machine reads it, whatever the others do" within 30 read_whole good
for t in wrong off consent; do ok "$t: failed" within 30 state $t failed; done
ok "a wrong password: says so" says wrong "wrong \(10.71.2.10:16995\) refused user 'admin' or the password"
ok "and what to do" says wrong 'set the right ones in the configuration, and `amtgate reload`$'
ok "IDE-R is off: says so" says off 'the feature is off or missing'
ok "and what to do" says off '`amtgate setup ider off` switches it on$'
ok "no consent: says so" says consent 'the user at the machine must consent first'
ok "and what to do" says consent '`amtgate consent start consent` asks for it$'
ctl status >"$T/status"
for t in wrong off consent; do ok "$t: a problem in the status" has "$T/status" "^problem: $t: image \(cd\): $t "; done
ok "good: none" hasnt "$T/status" '^problem: good'
ok "attach waits no longer than until it is refused" not eval 'ctl images attach consent --cd "$T/cd.img" 2>"$T/err"'
ok "in words" has "$T/err" 'consent: cd: failed, .*consent first; .*; the gateway keeps trying'
for t in wrong off; do
  ok "$t: tried again" within 90 tried_again $t
  ok "$t: but not before half a minute" patient $t 25 # AMT locks accounts
  ok "$t: said once" same "$(grep -c "image.away target=$t " "$T/gateway.log")" 1
done
ok "no password in the log" hasnt "$T/gateway.log" 'a-wrong-one'
ok "the right password" eval 'config "$password" | configure; ctl reload'
ok "wrong: attached at once" within 20 state wrong attached
ok "wrong: read in whole" within 30 read_whole wrong
stop off
machine off 10.71.2.11
ok "off: switched on: attached, without anybody's doing" within 90 state off attached
ok "off: read in whole" within 30 read_whole off
ok "off: the list has no word of it any more" same "$(field off detail)" ""
stop consent
machine consent 10.71.2.12
ok "consent: given, and attached anew" ctl images attach consent
ok "consent: read in whole" within 30 read_whole consent
ok "status: no problem any more" not eval 'ctl status | grep "^problem:"'
