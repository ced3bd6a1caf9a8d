#!/usr/bin/env bash
# Roles: what each may do at the redirection ports, at port 5900 and at the control socket, per target and per tag; and that a
# refusal leaves a line in the log.
. "$(dirname "$0")/lib.sh"
need amtterm expect xtigervncviewer Xvfb xdotool xwd openssl setpriv
lab router
sim pc1 10.71.2.10 --profile 16.1 --still --keyboard us --frame-file "$T/frame.ppm" --size 800x600
sim pc2 10.71.2.11 --profile 16.1 --still --size 640x480
certificate_for 10.71.2.10
accounts=(looks types rules boss nobodys) # on this host too: control_users
declare -A uid=() role=([looks]=view@pc1 [types]=console@tag:lab [rules]=admin@pc1 [boss]=admin [nobodys]=none)
# Accounts of this test alone, as host gw sees them.
mkdir -p "/etc/netns/amtgate-$LAB-gw"
cp /etc/passwd "/etc/netns/amtgate-$LAB-gw/passwd"
n=$((50000 + $$ % 10000))
for a in "${accounts[@]}" stranger; do
  uid[$a]=$((n += 1))
  echo "$a:x:$n:$n::/nonexistent:/bin/false" >>"/etc/netns/amtgate-$LAB-gw/passwd"
done
conf() {
  cat <<INI
cert = $T/gateway.pem
key = $T/gateway.key
${1:-}
[defaults]
password = $password
allow = 10.71.1.0/24
client_auth = users
vnc_security = tls
[target pc1]
address = 10.71.2.10
tags = lab
[target pc2]
address = 10.71.2.11
INI
}
configure < <(conf)
for a in "${accounts[@]}"; do echo "$a-pw" | ctl passwd "$a" --role "${role[$a]}" >>"$T/passwd.log" 2>&1; done
ctl passwd --list >"$T/list.out"
ok "passwd --list shows them" has "$T/list.out" '^looks +view@pc1$'
ok "none is none" has "$T/list.out" '^nobodys +none$'
ok "a role that is none is refused" not eval 'echo x | ctl passwd new --role operator >"$T/bad.log" 2>&1'
ok "in words" has "$T/bad.log" "'operator' is no role: write view, console, power or admin"
gateway < <(conf 'control_users = yes')

echo "--- redirection"
may() { serial client "$2" "${3:-16994}" --user "$1" --password "$1-pw"; }                # USER ADDRESS [PORT [--tls]]
may_not() { refused client redir "$2" 16994 "${3:-sol}" --user "$1" --password "$1-pw"; } # USER ADDRESS [KIND]
opens() { probe client redir "$2" 16994 "$3" --user "$1" --password "$1-pw" || { echo "  $answer"; return 1; }; }
ok "console: the serial console, by tag" may types 10.71.2.10
ok "console: with TLS too" serial client 10.71.2.10 16995 --tls --user types --password types-pw
ok "console: not where the tag is not" may_not types 10.71.2.11
ok "console: KVM" opens types 10.71.2.10 kvm
ok "console: no drives" may_not types 10.71.2.10 ider
ok "view: no serial console" may_not looks 10.71.2.10
ok "view: no KVM here" may_not looks 10.71.2.10 kvm
ok "admin: drives" opens rules 10.71.2.10 ider
ok "admin of pc1: nothing at pc2" may_not rules 10.71.2.11
ok "admin: everywhere" opens boss 10.71.2.11 ider
ok "none: nothing" may_not nobodys 10.71.2.10
for m in 1 3 4; do
  ok "method $m: looks is not let in" refused client redir 10.71.2.10 16994 sol --user looks --password looks-pw --method $m
done
ok "amtterm: types" amtterm_on client term 15 $'echo by role\r' 'by role.*by role' -u types -p types-pw 10.71.2.10
ok "the log says who and why" has "$T/gateway.log" 'session\.failed .*target=pc1 .*cause=refused .*looks may not use sol at pc1: that takes the role console, and looks has view there'
if mesh_ready; then
  mesh client meshlooks sol 10.71.2.10 16994 --user looks --pass looks-pw --send 'echo m\r' --expect m
  ok "MeshCommander's client: looks is not let in" same $? 4
  ok "and types is" mesh client meshtypes sol 10.71.2.10 16994 --user types --pass types-pw --send 'echo mesh\r' --expect mesh
fi

echo "--- port 5900"
x_start client
viewer() { # NAME USER PASSWORD ADDRESS
  spawn "$1" client env HOME="$T" VNC_USERNAME="$2" VNC_PASSWORD="$3" DISPLAY="$screen" LC_ALL=C xtigervncviewer \
    -SecurityTypes=X509Plain -X509CA="$T/gateway.pem" "$4"
}
picture() { x_tool xwd -root -silent -out "$T/shot.xwd" && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/frame.ppm" --lossy >"$T/shot.json"; }
roles() { ctl sessions --json | python3 -c 'import json, sys; print(" ".join(s["user"] + ":" + s["role"] for s in json.load(sys.stdin)))'; }
are_roles() { same "$(roles)" "$1"; }
keys() { grep -cE '"event":"(text|key|pointer)"' "$T/pc1.json"; }
type_a() { # no window manager: the keyboard is where the pointer is
  x_tool xdotool mousemove $((300 + RANDOM % 100)) 300
  x_tool xdotool windowfocus "$(x_tool xdotool getmouselocation --shell | sed -n 's/WINDOW=//p')"
  sleep 0.2
  x_tool xdotool type --delay 40 a
}
viewer looks looks looks-pw 10.71.2.10
ok "view: xtigervncviewer shows the picture" within 20 picture
ok "it watches" within 5 are_roles looks:watches
type_a
sleep 1
ok "what it types goes nowhere" same "$(keys)" 0
id=$(ctl sessions --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
ok "nor can it be given the keyboard" not eval 'ctl sessions give "$id" 2>"$T/give.log"'
ok "and that is said" has "$T/give.log" 'may only look'
stop looks
within 5 no_sessions
viewer types types types-pw 10.71.2.10
ok "console: shows the picture" within 20 picture
ok "it types" within 5 are_roles types:types
type_a
more_keys() { [ "$(keys)" -gt 0 ]; }
ok "keys arrive" within 5 more_keys
stop types
within 5 no_sessions
ok "the log names user and way" has "$T/gateway.log" 'session\.open .*kind=vnc .*target=pc1 .*user=types method=tls-plain'
viewer wrong types no 10.71.2.10
ok "a wrong password is refused" within 15 has "$T/wrong.log" '[Aa]uthentication (failed|failure)'
stop wrong
viewer none nobodys nobodys-pw 10.71.2.10
ok "a user without a role is told so" within 15 has "$T/none.log" 'nobodys may not use vnc|takes the role view'
stop none
probe client rfb 10.71.2.10 5900
ok "without TLS there is no way in" same "$(field types)" "[19]"
for word in looks-pw types-pw nobodys-pw; do ok "no '${word}' in the log" hasnt "$T/gateway.log" "$word"; done

echo "--- the control socket"
printf '[gateway]\ncontrol = %s/run/control.sock\n' "$T" >"$T/own.conf"
chmod 644 "$T/own.conf"
as() { # ACCOUNT ARGUMENTS of amtgate, from another account of this host
  local a=$1
  shift
  on gw setpriv --reuid="${uid[$a]}" --regid="${uid[$a]}" --clear-groups "$BUILD/amtgate" -c "$T/own.conf" "$@"
}
quiet() { "$@" >"$T/out" 2>"$T/err"; }
on client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 sol --user types --password types-pw --hold 120 >"$T/one.log" 2>&1 &
on client python3 tests/system/tools/probe.py redir 10.71.2.11 16994 sol --user boss --password boss-pw --hold 120 >"$T/two.log" 2>&1 &
two() { [ "$(sessions)" = 2 ]; }
within 8 two || ok "two sessions" false
targets() { as "$1" --json sessions | python3 -c 'import json, sys; print(" ".join(sorted(s["target"] for s in json.load(sys.stdin))))'; }
number() { ctl --json sessions | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin) if s["target"] == sys.argv[1]][0])' "$1"; }
ok "looks sees pc1" same "$(targets looks)" pc1
ok "boss sees both" same "$(targets boss)" "pc1 pc2"
ok "nobodys sees none" same "$(targets nobodys)" ""
ok "status shows looks pc1" quiet as looks status
ok "and not pc2" hasnt "$T/out" '^pc2'
ok "a stranger is hung up on" not quiet as stranger status
ok "and that is in the log" has "$T/gateway.log" "control\.refused uid=${uid[stranger]}"
ok "view: a screenshot" quiet as looks screenshot pc1 - && ok "is one" eval 'head -c 4 "$T/out" | grep -aq PNG'
ok "view: not of pc2" not quiet as looks screenshot pc2 -
ok "in words" has "$T/err" 'looks may not use the screen at pc2: that takes the role view, and looks has none there'
ok "view: may not type" not quiet as looks type pc1 hello
ok "in words" has "$T/err" 'looks may not use keyboard and mouse at pc1: that takes the role console'
ok "console: types" quiet as types type pc1 hello
ok "view: no serial console" not quiet as looks sol pc1 --idle 1
ok "and is told why" has "$T/err" 'role'
ok "view: may not end" not quiet as looks end "$(number pc1)"
ok "console: not what it does not see" not quiet as types end "$(number pc2)"
ok "in words" has "$T/err" 'there is no session'
ok "console: ends" quiet as types end "$(number pc1)"
ok "console: the serial console" within 5 quiet as types sol pc1 --idle 1
ok "admin of one: no reload" not quiet as rules reload
ok "in words" has "$T/err" 'takes the role admin at every target'
ok "admin: reload" quiet as boss reload
ok "refusals are in the log" has "$T/gateway.log" "control\.refused uid=${uid[looks]} .*looks may not use keyboard and mouse at pc1"
echo | ctl passwd looks --role console --keep-password 2>/dev/null && quiet ctl reload
ok "another role counts from the next reload on" quiet as looks type pc1 hello
stop gateway
configure < <(conf)
daemon_start
ok "control_users = no: nobody but the operators" not quiet as boss status
ok "they cannot even connect" has "$T/err" 'try as root'
