#!/usr/bin/env bash
# screenshot, type, key, wait-screen: through the daemon, alone and beside a person's viewer; without a daemon; with the
# machine away; and what they say when they cannot.
. "$(dirname "$0")/lib.sh"
need gvncviewer Xvfb import convert xdotool openssl
lab router
# One certificate through all restarts: another one would not be trusted.
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=pc1" -days 9 -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
sim pc1 10.71.2.10 --profile 16.1 --still --keyboard de --frame-file "$T/frame.ppm" --size 800x600 --cert "$T/cert.pem" --key "$T/key.pem"
# A machine that takes keys slowly, behind kernels that keep little for it.
on gw sysctl -qw net.ipv4.tcp_wmem='4096 8192 8192'
on amt sysctl -qw net.ipv4.tcp_rmem='4096 8192 8192'
sim slow 10.71.2.12 --profile 16.1 --still --keyboard us --size 640x480 --slow-reader 30000
sim pc2 10.71.2.11 --profile 16.1 --still --size 640x480
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
keyboard = de
[target slow]
address = 10.71.2.12
[target pc2]
address = 10.71.2.11
services = sol
[target lost]
address = 10.71.2.99
[target many]
address = 10.71.2.8/29
INI
code() { # WANTED ARGUMENTS of amtgate: its exit code, output in code.out, its one line of error in code.err
  local want=$1
  shift
  ctl "$@" >"$T/code.out" 2>"$T/code.err"
  same $? "$want" || { cat "$T/code.err"; return 1; }
}
one_line() { same "$(wc -l <"$T/code.err")" 1; }
out() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$T/code.out" "$1"; }
same_picture() { convert "$1" -depth 8 "ppm:$T/as.ppm" && cmp "$T/as.ppm" "$2"; } # PNG PPM
typed() { # what the operating system behind AMT got since mark()
  tail -n "+$from" "$T/pc1.json" | python3 -c '
import json, sys
print("".join(e["text"] for e in map(json.loads, sys.stdin) if e["event"] == "text"), end="")'
}
pressed() { tail -n "+$from" "$T/pc1.json" | python3 -c '
import json, sys
print(" ".join(e["keys"] for e in map(json.loads, sys.stdin) if e["event"] == "shortcut"))'; }
enters() { tail -n "+$from" "$T/pc1.json" | grep -c '"down":true.*"name":"Enter"'; }
mark() { from=$(($(wc -l <"$T/pc1.json") + 1)); }
has_typed() { same "$(typed)" "$1"; }
roles() { ctl sessions --json | python3 -c 'import json, sys; print(" ".join(s["role"] for s in json.load(sys.stdin)))'; }
are_roles() { same "$(roles)" "$1"; }
session_of() { ctl sessions --json | python3 -c 'import json, sys; print([s["id"] for s in json.load(sys.stdin) if s["role"] == sys.argv[1]][0])' "$1"; }

# --- through the daemon, nobody else there
ok "screenshot: exit 0" code 0 screenshot --json pc1 "$T/pc1.png"
ok "and says how large it is" same "$(out width)x$(out height)" 800x600
ok "it is the machine's picture" same_picture "$T/pc1.png" "$T/frame.ppm"
ok "the machine's session ends with it" within 5 no_sessions
ok "by address: exit 0" code 0 screenshot 10.71.2.10 "$T/address.png"
ok "the same picture" cmp "$T/address.png" "$T/pc1.png"
ctl screenshot pc1 - >"$T/stdout.png"
ok "to standard output" cmp "$T/stdout.png" "$T/pc1.png"
ok "the log says who it was" has "$T/gateway.log" 'session.open .*kind=vnc client="control \(uid 0\)" target=pc1 .*method=control'
mark
ok "type: exit 0" code 0 type pc1 'Grüße, {Zoë}: 3 € @ 50%'
ok "every character arrives" within 5 has_typed 'Grüße, {Zoë}: 3 € @ 50%'
mark
printf 'zwei\nZeilen' >"$T/text"
ok "type --file --enter: exit 0" code 0 type pc1 --file "$T/text" --enter --pace 1
ok "both lines" within 5 has_typed zweiZeilen
ok "with Return behind each" same "$(enters)" 2
mark
ok "what the layout lacks: exit 1" code 1 type pc1 'abcж'
ok "in one line that names its place" has "$T/code.err" '^amtgate: pc1: character 4 of the text .*layout de.*nothing was typed'
ok "and nothing is typed" has_typed ''
mark
ok "key: exit 0" code 0 key pc1 ctrl-alt-del win-r
ok "the combinations arrive" gives "Control+Alt+Delete Meta+r" pressed
ok "no such key: exit 2" code 2 key pc1 ctrl-nokey
ok "wait-screen: there already" code 0 wait-screen --json pc1 --match "$T/pc1.png"
ok "and says so" same "$(out matched) $(out different_pixels)" "True 0"
convert "$T/pc1.png" -fill red -draw 'rectangle 10,10 19,19' "png24:$T/other.png"
ok "another picture: exit 1" code 1 wait-screen --json pc1 --match "$T/other.png" --timeout 2 --save "$T/last.png"
ok "with the number of pixels" same "$(out different_pixels)" 100
ok "in words too" has "$T/code.err" '^amtgate: pc1: .*other.png within 2 s: 100 of 480000 pixels differ'
ok "--save keeps the last picture" cmp "$T/last.png" "$T/pc1.png"
ok "a region without the difference" code 0 wait-screen pc1 --match "$T/other.png" --region 100x100+50+50 --timeout 5
ok "a picture of a region" code 0 wait-screen pc1 --match <(convert "$T/pc1.png" -crop 100x100+50+50 +repage png24:-) --region 100x100+50+50 --timeout 5
ok "everything within tolerance" code 0 wait-screen pc1 --match "$T/other.png" --tolerance 255 --timeout 5
ok "another size never matches: exit 1" code 1 wait-screen pc1 --match <(convert "$T/pc1.png" -resize 50% png24:-) --timeout 1
ok "and says both" has "$T/code.err" 'the screen is 800x600, the picture 400x300'

# --- more keys than the gateway and the kernels keep
python3 -c 'print("".join(chr(97 + i * 7 % 26) for i in range(8000)), end="")' >"$T/long"
began=$(date +%s)
ok "a long text, to a machine that takes it slowly: exit 0" code 0 type slow --file "$T/long" --pace 0 --timeout 120
ok "not before nearly all of it is there" test $(($(date +%s) - began)) -ge 2
slow_typed() { python3 -c '
import json, sys
print("".join(e["text"] for e in map(json.loads, open(sys.argv[1])) if e["event"] == "text"), end="")' "$T/slow.json" | cmp -s - "$T/long"; }
ok "all of it arrives" within 20 slow_typed

# --- beside a person
x_start client
viewer_start viewer client 10.71.2.10
ok "a viewer types" within 20 are_roles types
ok "screenshot beside it: exit 0" code 0 screenshot pc1 "$T/beside.png"
ok "the same picture" cmp "$T/beside.png" "$T/pc1.png"
mark
ok "type beside it: exit 0" code 0 type pc1 'nebenbei'
ok "arrives" within 5 has_typed nebenbei
ok "the person still types" are_roles types
on client env DISPLAY="$screen" xdotool search --name pc1 windowfocus --sync >/dev/null 2>&1
mark
DISPLAY=$screen xdotool type person
ok "and what it types arrives" within 10 has_typed person
spawn waiter gw "$BUILD/amtgate" -c "$T/amtgate.conf" wait-screen pc1 --match "$T/other.png" --timeout 600
ok "a waiting script is a session beside it" within 10 are_roles "types script"
ok "which cannot be given the keyboard: exit 1" code 1 sessions give "$(session_of script)"
viewer_start second client 10.71.2.10
ok "a second person watches" within 20 are_roles "types script watches"
ok "sessions give: exit 0" code 0 sessions give "$(session_of watches)"
ok "the second one types now" are_roles "watches script types"
ok "no such session: exit 1" code 1 sessions give 4711
ok "no number: exit 2" code 2 sessions give pc1
stop waiter
ok "a script that is killed leaves no session" within 5 are_roles "watches types"

# --- the machine away
stop pc1
ok "away: exit 3, no picture of a caption" within 10 code 3 screenshot pc1 "$T/away.png"
ok "in one line that names it" has "$T/code.err" '^amtgate: pc1 is (away|restarting)'
ok "one line" one_line
ok "no file" not test -e "$T/away.png"
ok "type: exit 3" code 3 type pc1 x
stop viewer
stop second
ok "nobody looks" within 5 no_sessions
ok "away, and nobody waits for it: exit 3" code 3 screenshot pc1 "$T/away.png"
spawn waiter gw "$BUILD/amtgate" -c "$T/amtgate.conf" wait-screen pc1 --match "$T/pc1.png" --timeout 60
sim pc1 10.71.2.10 --profile 16.1 --still --keyboard de --frame-file "$T/frame.ppm" --size 800x600 --cert "$T/cert.pem" --key "$T/key.pem"
within 30 not alive waiter
wait "${PIDS[waiter]}"
ok "wait-screen waits until the machine is back: exit 0" same $? 0
unset 'PIDS[waiter]'

# --- what is wrong
ok "no such target: exit 2" code 2 screenshot nobody "$T/x.png"
ok "and its name" has "$T/code.err" "no target 'nobody'"
ok "a target of many machines: exit 2" code 2 screenshot many "$T/x.png"
ok "and what to do" has "$T/code.err" 'more than one address'
ok "nobody there: exit 3" code 3 screenshot lost "$T/x.png"
ok "not served: exit 1" code 1 screenshot pc2 "$T/x.png"
ok "no file can be written: exit 1" code 1 screenshot pc1 /nowhere/x.png
if mknod -m 666 "$T/full" c 1 7 2>/dev/null; then # a full disk; the device must not be taken away as a half written file is
  ok "a full disk: exit 1" code 1 screenshot pc1 "$T/full"
  ok "a full disk: what was written to stays" test -c "$T/full"
fi
ok "no picture: exit 2" code 2 wait-screen pc1 --match "$T/text"
ok "no region: exit 2" code 2 wait-screen pc1 --match "$T/pc1.png" --region 1x
ok "a login for a target: exit 2" code 2 screenshot pc1 -u admin "$T/x.png"
nobody() { on gw setpriv --reuid 65533 --regid 65533 --clear-groups "$BUILD/amtgate" -c "$T/amtgate.conf" screenshot pc1 "$T/x.png" >"$T/code.out" 2>"$T/code.err"; same $? 1; }
ok "not root: exit 1" nobody
ok "and what to do" has "$T/code.err" 'try as root'

# --- without a daemon
stop gateway
rules down
mark
ok "no daemon: screenshot, exit 0" code 0 screenshot --json pc1 "$T/direct.png"
ok "the same picture" cmp "$T/direct.png" "$T/pc1.png"
ok "no daemon: type, exit 0" code 0 type pc1 'ohne Dæmon'
ok "arrives" within 5 has_typed 'ohne Dæmon'
ok "no daemon: wait-screen" code 0 wait-screen pc1 --match "$T/pc1.png"
ok "no daemon, no such target: exit 2" code 2 screenshot nobody "$T/x.png"
ok "no daemon, nobody there: exit 3" code 3 screenshot lost "$T/x.png"
ok "known certificates stay the daemon's" same "$(stat -c %U "$T/state/known_certificates")" nobody
echo "$password" >"$T/password"
ok "--host: exit 0" code 0 screenshot --host --state "$T/own" --password-file "$T/password" 10.71.2.10 "$T/host.png"
ok "the same picture" cmp "$T/host.png" "$T/pc1.png"
ok "--host with a wrong password: exit 4" code 4 screenshot --host --state "$T/own" -u other 10.71.2.10 "$T/x.png"
ok "--host with another pin: exit 5" code 5 screenshot --host --password-file "$T/password" --state "$T/own" --pin "$(printf 0%.0s {1..64})" 10.71.2.10 "$T/x.png"
