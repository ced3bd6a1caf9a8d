#!/usr/bin/env bash
# The gateway serves images itself: from the configuration and by command, files and web servers, good ones and bad ones;
# the machine reads every image whole, and its digest is compared.
. "$(dirname "$0")/lib.sh"
need nginx amtterm openssl setpriv
NGINX=$(command -v nginx)
lab router
head -c 6500000 /dev/urandom >"$T/cd.img"
head -c 3300000 /dev/urandom >"$T/cd2.img"
head -c 1474560 /dev/urandom >"$T/floppy.img"
whole() { head -c $((($(stat -c %s "$1") + $2 - 1) / $2 * $2)) <(cat "$1" /dev/zero); } # filled up to blocks
sum() { whole "$1" "${2:-2048}" | sha256sum | cut -d' ' -f1; }
chmod 644 "$T"/*.img
cd1=$(sum "$T/cd.img") cd2=$(sum "$T/cd2.img") floppy=$(sum "$T/floppy.img" 512)
sim pc1 10.71.2.10 --profile 15 --ider-repeat 0 --ider-random 4 --boot-time 1 --slow-reader 12000000
sim pc2 10.71.2.11 --profile 12 --ider-random 8 --boot-time 1
sim pc3 10.71.2.12 --profile 15 --ider read --ider-random 8

# --- what a test looks at
reads() { # NAME DRIVE DIGEST [N]: the machine has read the whole image, at least N times since mark()
  local n
  n=$(tail -n +$((${from[$1]:-0} + 1)) "$T/$1.json" | grep '"event":"ider.result"' | grep -c "\"drive\":\"$2\".*\"sha256\":\"$3\"")
  [ "$n" -ge "${4:-1}" ]
}
declare -A from=()
mark() { from[$1]=$(wc -l <"$T/$1.json"); }
image() { # TARGET DRIVE FIELD of `amtgate images --json`
  ctl images --json | python3 -c 'import json, sys
for i in json.load(sys.stdin):
    if (i["target"], i["drive"]) == (sys.argv[1], sys.argv[2]): print(i[sys.argv[3]])' "$@"
}
is() { same "$(image "$1" "$2" "$3")" "$4"; }
says() { image "$1" "$2" detail | grep -qE -- "$3" || { image "$1" "$2" detail; return 1; }; }
config() { cat <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
${1:-}
[target pc2]
address = 10.71.2.11
${2:-}
[target pc3]
address = 10.71.2.12
${3:-}
INI
}
reload() { configure; ctl reload; }

echo "--- from the configuration"
gateway < <(config "image = $T/cd.img
image_floppy = $T/floppy.img")
ok "the CD is read whole" within 30 reads pc1 cd "$cd1"
ok "the floppy too" within 20 reads pc1 floppy "$floppy"
ok "list: attached" is pc1 cd state attached
ok "list: its size" is pc1 cd size 6500000
ok "list: from the configuration" is pc1 cd origin configuration
ok "list: read bytes" eval '[ "$(image pc1 cd served_bytes)" -ge 6500000 ]'
ok "a table for people" eval 'ctl images list >"$T/list" && has "$T/list" "^pc1 +cd +attached +6\.2M .*$T/cd.img"'
session_of() { ctl --json sessions | python3 -c 'import json, sys
print(*[s["service"] + " " + s["client"] + " " + s["state"] for s in json.load(sys.stdin) if s["target"] == sys.argv[1]])' "$1"; }
sid() { ctl --json sessions | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin)][0])'; }
ok "sessions shows it" same "$(session_of pc1)" "ider gateway open"
ok "end says how it is ended" not eval 'ctl end "$(sid)" 2>"$T/err"'
ok "by detaching" has "$T/err" 'amtgate images detach pc1'
ok "a client who wants drives is told why not" refused client redir 10.71.2.10 16994 ider --user admin --password "$password"
ok "and the log says it" has "$T/gateway.log" 'session.failed .*cause=busy .*the gateway itself serves an image'
ok "the serial console is not in its way" serial client 10.71.2.10
one=$(sid)

echo "--- reload"
mark pc1
ok "another CD" reload < <(config "image = $T/cd2.img
image_floppy = $T/floppy.img")
ok "is read whole" within 30 reads pc1 cd "$cd2"
ok "in the same session" same "$(sid)" "$one"
mark pc1
ok "without a floppy" reload < <(config "image = $T/cd2.img")
ok "the drive is empty" within 20 eval 'tail -n +$((${from[pc1]} + 1)) "$T/pc1.json" | grep "\"drive\":\"floppy\"" | grep -q "\"ready\":false"'
ok "in the same session" same "$(sid)" "$one"
ok "a broken configuration is refused" not reload < <(config "image = relative")
ok "and the image stays" is pc1 cd state attached
ok "an image that is not there" reload < <(config "image = $T/cd2.img" "image = $T/nowhere.img")
ok "is said" within 5 is pc2 cd state failed
ok "with the reason" says pc2 cd 'nowhere.img: No such file'
cp "$T/cd.img" "$T/nowhere.img"
ok "and attached when it comes" within 15 reads pc2 cd "$cd1"
ok "removed" reload < <(config)
none() { [ "$(ctl --json images)" = "[]" ]; }
ok "nothing is attached any more" within 10 none
ok "the machine saw an end in order" within 5 has "$T/pc1.json" 'client ended the session'
ok "an image for several machines is a mistake" not eval 'printf "[target lan]\naddress = 10.9.0.0/24\npassword = x\nimage = /x\n" >"$T/bad.conf"; chmod 600 "$T/bad.conf"; "$BUILD/amtgated" --check -c "$T/bad.conf" >"$T/err" 2>&1'
ok "in words" has "$T/err" 'bad.conf:4: image: target lan is more than one machine'

echo "--- by command"
mkdir -m 700 "$T/private" # the daemon's account, nobody, cannot look into it
cp "$T/cd.img" "$T/private/own.img"
mark pc2
ok "attach waits for the machine" ctl images attach pc2 --cd "$T/private/own.img" --floppy "$T/floppy.img"
ok "it is attached then" is pc2 cd state attached
ok "list: by command" is pc2 cd origin control
ok "a file that the daemon itself could not open is read whole" within 20 reads pc2 cd "$cd1"
ok "floppy too" within 20 reads pc2 floppy "$floppy"
ok "it survives a reload" eval 'ctl reload && sleep 1 && is pc2 cd state attached'
ok "detach" ctl images detach pc2
ok "is off" within 10 none
ok "detach again is refused" not eval 'ctl images detach pc2 2>"$T/err"'
ok "in words" has "$T/err" 'pc2 has no image'
ok "no such target" not eval 'ctl images attach nobody --cd "$T/cd.img" 2>"$T/err"' && ok "in words" has "$T/err" "no target 'nobody'"
ok "an empty file is refused" not eval ': >"$T/empty.img"; ctl images attach pc2 --cd "$T/empty.img" 2>"$T/err"' && ok "in words" has "$T/err" 'empty.img: it is empty'
ok "a pipe is refused" not eval 'mkfifo "$T/pipe"; ctl images attach pc2 --cd "$T/pipe" 2>"$T/err"' && ok "in words" has "$T/err" 'neither a file nor a disk'
ok "nothing named and nothing configured" not eval 'ctl images attach pc2 2>"$T/err"' && ok "in words" has "$T/err" 'no image in the configuration'
ok "start now" has "$T/pc2.json" '"ider.features","value":25'
ok "start at the next boot" ctl images attach pc3 --cd "$T/cd.img" --start reboot --no-wait
ok "is what the machine is asked for" within 10 has "$T/pc3.json" '"ider.features","value":9'
ctl images detach pc3
raw() { python3 - "$T/run/control.sock" "$@" <<'PY'
import array, json, os, socket, sys
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
fds = [os.open(f, os.O_WRONLY if f.endswith(".w") else os.O_RDONLY) for f in sys.argv[3:]]
s.sendmsg([sys.argv[2].encode() + b"\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
print(s.makefile().readline(), end="")
PY
}
echo secret >"$T/state/secret"; chown nobody "$T/state/secret"; chmod 600 "$T/state/secret"
ok "a path by name is refused" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"'"$T/state/secret"'"}}') 'false.*cd and floppy are'
ok "as an address too" has <(raw '{"command":"attach","target":"pc2","cd":{"url":"'"$T/state/secret"'"}}') 'false.*no http or https address'
ok "and by file:" has <(raw '{"command":"attach","target":"pc2","cd":{"url":"file://'"$T/state/secret"'"}}') 'false.*no http or https address'
ok "a descriptor that was not passed" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"x","fd":0}}') 'false'
: >"$T/out.w"
ok "a descriptor for writing" has <(raw '{"command":"attach","target":"pc2","cd":{"name":"x","fd":0}}' "$T/out.w") 'false.*not open for reading'
many=(); for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do many+=("$T/cd.img"); done
before=$(fds gateway)
for _ in 1 2 3; do raw '{"command":"status"}' "${many[@]}" >/dev/null; done
few() { [ "$(fds gateway)" -le $((before + 2)) ]; }
ok "descriptors nobody wants are closed" within 5 few
ok "nothing was attached by all that" none

echo "--- resets, restarts, power"
ok "attached" ctl images attach pc1 --cd "$T/cd.img"
mark pc1
ok "a reset" ctl power reset pc1
ok "the image comes back" within 40 reads pc1 cd "$cd1"
ok "and is attached" within 10 is pc1 cd state attached
ok "and the log tells" has "$T/gateway.log" 'image.reattached .*target=pc1'
ok "power off, which a machine refuses during such a session" ctl power off pc1 --wait
ok "the log tells that it was let go" has "$T/gateway.log" 'image.parked target=pc1'
mark pc1
ok "power on" ctl power on pc1 --wait
ok "it comes back" within 40 reads pc1 cd "$cd1"
stop pc1
ok "without the machine: away" within 20 is pc1 cd state away
ok "with the reason" says pc1 cd '10.71.2.10'
sim pc1 10.71.2.10 --profile 15 --ider-repeat 0 --ider-random 4 --boot-time 1 --slow-reader 12000000
from[pc1]=0
ok "it comes back with the machine" within 40 reads pc1 cd "$cd1"
ctl images detach pc1
within 10 none
on client python3 tests/system/tools/probe.py redir 10.71.2.10 16994 ider --user admin --password "$password" --hold 6 >"$T/holds.log" 2>&1 &
holding() { [ "$(session_of pc1)" = "ider 10.71.1.100:"*" open" ] || session_of pc1 | grep -q 'ider 10.71.1.100:[0-9]* open'; }
ok "a client has the drives" within 10 holding
ctl images attach pc1 --cd "$T/cd.img" --no-wait
ok "the gateway's image waits" within 10 eval 'image pc1 cd state | grep -qE "away|failed"'
ok "and says so" says pc1 cd 'in use|busy|another'
mark pc1
ok "until the client goes" within 60 reads pc1 cd "$cd1"
ctl images detach pc1
echo done
