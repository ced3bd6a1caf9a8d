#!/usr/bin/env bash
# Power off while people look at a machine: AMT refuses that during a session. The gateway's viewers stay, and find back.
. "$(dirname "$0")/lib.sh"
need gvncviewer amtterm Xvfb xwd
lab router
for p in 12:10.71.2.10 16.1:10.71.2.11; do
  sim "p${p%%:*}" "${p#*:}" --profile "${p%%:*}" --still --size 800x600 --frame-file "$T/p${p%%:*}.ppm" --closing 6000 --boot-time 1
done
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target p12]
address = 10.71.2.10
[target p16.1]
address = 10.71.2.11
reconnect = no
INI
x_start client
look() { x_tool xwd -root -silent -out "$T/shot.xwd"; }
says() { look && tests/system/tools/caption_read.py "$T/shot.xwd" >"$T/said" && tr '\n' ' ' <"$T/said" | grep -qE "$1"; }
shows() { look && tests/system/tools/shot_match.py "$T/shot.xwd" "$T/$1.ppm"; }
code_of() { "$@" >"$T/out" 2>"$T/err"; echo $?; }
state() { ctl --json power state "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["power"])'; }
listener() { on amt env WSMAN_PASS="$password" "$T/wsamt" -h "$1" -P 16992 redirport; }
ln -s "$BUILD/amtgate" "$T/wsamt"

viewer_start viewer client 10.71.2.10
ok "a viewer looks at it" within 20 shows p12
ok "the machine refuses to be switched off then" same "$(code_of ctl power off p12 --no-keep-sessions)" 1
ok "and the sentence says why" has "$T/err" 'while its screen, console or drives are in use'
ok "it is on" same "$(state p12)" on

ctl power off p12 --wait >"$T/out" 2>"$T/err" &
doing=$!
ok "the picture says what is going on" within 10 says 'p12 is being switched off'
wait $doing
ok "power off is done, and seen to be" same "$? $(state p12)" "0 off"
ok "the listener is on again" same "$(listener 10.71.2.10)" on
ok "the viewer is still there" alive viewer
ok "in one session" same "$(grep -c 'session.open .*target=p12' "$T/gateway.log") $(sessions)" "1 1"
ok "the log tells" has "$T/gateway.log" 'screen.parked target=p12 .*viewers=1'
ok "power on" ctl power on p12 --wait
ok "the viewer shows the machine again" within 30 shows p12
ok "off and on, too" ctl power cycle p12
ok "the viewer shows the machine after it" within 30 shows p12
ok "all in one session" gives 1 grep -c 'session.open .*target=p12' "$T/gateway.log"

# A console that goes through as it is (reconnect = no), as one of somebody else's: nobody can park it.
spawn term client bash -c "sleep 60 | amtterm -u admin -p '$password' 10.71.2.11"
on_line() { grep -q 'session.open .*target=p16.1' "$T/gateway.log"; }
ok "a serial console on a machine that speaks TLS alone" within 10 on_line
ok "it is switched off all the same" ctl power off p16.1 --wait
ok "and that session has ended" within 10 grep -q 'session.end .*target=p16.1' "$T/gateway.log"
ok "the listener is on again" same "$(on gw env WSMAN_PASS="$password" "$BUILD/amtgate" -c "$T/amtgate.conf" --json info p16.1 | grep -c '"redirection": *true')" 1

# Without a gateway that runs.
stop viewer
ctl power on p12 p16.1 --wait >/dev/null
stop gateway
ok "without a daemon there is nobody to park" ctl power off p12 --wait
ok "it is off" same "$(state p12)" off
