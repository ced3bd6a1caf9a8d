#!/usr/bin/env bash
# wait: each condition met at once, met later, and not met in time; several machines; what ends it at once.
. "$(dirname "$0")/lib.sh"
need socat convert openssl script
lab router
openssl req -x509 -newkey rsa:2048 -nodes -subj "/CN=pc1" -days 9 -keyout "$T/key.pem" -out "$T/cert.pem" 2>/dev/null
pc1=(pc1 10.71.2.10 --profile 16.1 --still --frame-file "$T/frame.ppm" --size 640x480 --cert "$T/cert.pem" --key "$T/key.pem" --boot-time 2)
sim "${pc1[@]}"
sim pc2 10.71.2.11 --profile 12 --still --power-time 200
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
tags = lab
[target pc2]
address = 10.71.2.11
tags = lab
[target elsewhere]
address = 10.71.2.50
amt = 10.71.2.11
[target six]
address = fd71:2::11
[target lost]
address = 10.71.2.99
[target silent]
address = 10.71.2.13
[target wrong]
address = 10.71.2.12
password = Wr0ng!wrong
INI
sim pc3 10.71.2.12 --profile 12 --still
code() { # WANTED ARGUMENTS of amtgate wait: its exit code, output in code.out, its lines of error in code.err
  local want=$1
  shift
  ctl wait "$@" >"$T/code.out" 2>"$T/code.err"
  same $? "$want" || { cat "$T/code.err"; return 1; }
}
later() { # NAME ARGUMENTS: in the background, as $T/NAME.log says
  local n=$1
  shift
  spawn "$n" gw "$BUILD/amtgate" -c "$T/amtgate.conf" wait "$@"
}
ends() { # NAME WANTED SECONDS
  within "$3" not alive "$1"
  wait "${PIDS[$1]}" 2>/dev/null
  same $? "$2"
  local r=$?
  unset "PIDS[$1]"
  return $r
}
part() { python3 -c 'import json, sys; print(eval(sys.argv[2], {"l": json.load(open(sys.argv[1]))}))' "$T/code.out" "$1"; }

# --- met at once
for c in amt rmcp ping power=on no-power=off no-tcp:22; do
  ok "$c: exit 0" code 0 pc1 --for "$c" --timeout 20
  ok "says so, with the time" has "$T/code.out" "^pc1: $c after [0-9.]+ s\$"
  ok "and nothing else" same "$(wc -l <"$T/code.out") $(wc -c <"$T/code.err")" "1 0"
done
ok "several, one after the other" code 0 pc1 --for amt --for ping --for power=on --timeout 20
ok "each with its line" same "$(sed 's/ after.*//' "$T/code.out" | tr '\n' ' ')" "pc1: amt pc1: ping pc1: power=on "
ok "as JSON" code 0 pc1 --for amt --for no-tcp:22 --json
ok "a list of machines" same "$(part 'l[0]["target"], l[0]["met"], [c["for"] for c in l[0]["conditions"]], l[0]["conditions"][0]["met"]')" "('pc1', True, ['amt', 'no-tcp:22'], True)"
ok "with times" same "$(part 'l[0]["waited_s"] >= 0 and l[0]["conditions"][1]["after_s"] >= 0')" True
on gw sysctl -qw net.ipv4.ping_group_range='1 0'
ok "exit 0 as root, by a raw socket" code 0 pc1 --for ping --timeout 5
on gw setpriv --bounding-set -net_raw --inh-caps -net_raw "$BUILD/amtgate" -c "$T/amtgate.conf" wait pc1 --for ping --timeout 5 >"$T/code.out" 2>"$T/code.err"
ok "without the right: exit 1" same $? 1
ok "and what gives it" has "$T/code.err" 'pc1: cannot ping .*try as root, or .*ping_group_range'
on gw sysctl -qw net.ipv4.ping_group_range='0 2147483647'
ok "by the kernel's ping socket" code 0 pc1 --for ping --timeout 5

ok "of IPv6 too" code 0 six --for ping --timeout 5
on gw sysctl -qw net.ipv4.ping_group_range='1 0'
ok "by a raw socket too" code 0 six --for ping --timeout 5
on gw sysctl -qw net.ipv4.ping_group_range='0 2147483647'

# --- what a terminal shows meanwhile
on gw script -qec "$BUILD/amtgate -c $T/amtgate.conf wait pc1 --for amt --for tcp:22 --timeout 2" /dev/null >"$T/terminal" 2>&1 </dev/null
ok "what is waited for, how long, and what is seen" has "$T/terminal" 'pc1: waiting for tcp:22, [0-9.]+ s: .*nothing listens'
ok "what is met stays" has "$T/terminal" 'pc1: amt after'

# --- not in time
for c in tcp:22 power=off away no-rmcp no-ping; do
  ok "$c: exit 1" code 1 pc1 --for "$c" --timeout 2
  ok "in one line with what was seen last" has "$T/code.err" "^amtgate: pc1: no '$c' within 2.0 s \(.+\)\$"
done
code 1 pc1 --for power=off --timeout 1
ok "in words" has "$T/code.err" "\(it is on\)"
code 1 pc1 --for tcp:22 --timeout 1
ok "and why" has "$T/code.err" 'refused the connection: nothing listens there'
ok "what was met before is said" code 1 pc1 --for amt --for tcp:22 --timeout 2
ok "there" has "$T/code.out" '^pc1: amt after'
ok "as JSON: exit 1" code 1 pc1 --for amt --for tcp:22 --timeout 2 --json
ok "with what was seen last" same "$(part 'l[0]["met"], "nothing listens" in l[0]["conditions"][1]["seen"], "tcp:22" in l[0]["error"]')" "(False, True, True)"
ok "a machine that is not there: exit 1" code 1 lost --for amt --timeout 2
ok "a machine that is not there is away" code 0 lost --for away --timeout 20

# --- met later
later port pc1 --for tcp:22 --timeout 60
ok "it waits" stays 2 alive port
spawn ssh amt socat TCP-LISTEN:22,bind=10.71.2.10,fork,reuseaddr EXEC:/bin/true
ok "for the port, until it opens: exit 0" ends port 0 20
later closes pc1 --for no-tcp:22 --timeout 60
stop ssh
ok "and until it closes" ends closes 0 20
later off pc2 --for power=off --for power=on --timeout 60
ctl power off pc2 >/dev/null
first() { has "$T/off.log" '^pc2: power=off after'; }
ok "off is seen" within 20 first
ctl power on pc2 >/dev/null
ok "and then on: exit 0" ends off 0 20
later gone silent --for no-ping --for ping --timeout 60
ok "it waits" stays 2 alive gone
on amt ip address del 10.71.2.13/24 dev eth0
silence() { has "$T/gone.log" '^silent: no-ping after'; }
ok "no answer to pings is seen" within 20 silence
on amt ip address add 10.71.2.13/24 dev eth0
ok "and the first answer: exit 0" ends gone 0 20

# --- the PC and its AMT at different addresses
spawn web other socat TCP-LISTEN:80,fork,reuseaddr EXEC:/bin/true
ok "a port is the PC's, a power state AMT's" code 0 elsewhere --for tcp:80 --for ping --for power=on --timeout 20
stop web

# --- its screen
ok "a screenshot" ctl screenshot pc1 "$T/pc1.png"
convert "$T/pc1.png" -fill red -draw 'rectangle 10,10 19,19' "png24:$T/other.png"
ok "the screen as it is: exit 0" code 0 pc1 --for "screen=$T/pc1.png" --timeout 20
ok "another picture: exit 1" code 1 pc1 --for "screen=$T/other.png" --timeout 2
ok "with what differs" has "$T/code.err" '\(100 of 307200 pixels differ\)'
ok "is not there: exit 0" code 0 pc1 --for "no-screen=$T/other.png" --timeout 20
ok "a region without the difference" code 0 pc1 --for "screen=$T/other.png" --region 100x100+50+50 --timeout 20
ok "tolerance" code 0 pc1 --for "screen=$T/other.png" --tolerance 255 --timeout 20
ok "no such file: exit 2" code 2 pc1 --for "screen=$T/none.png"
ok "no picture: exit 2" code 2 pc1 --for "screen=$T/amtgate.conf"

# --- a machine that goes, and comes back
later restart pc1 --for away --for amt --for "screen=$T/pc1.png" --timeout 90
stop pc1
gone() { has "$T/restart.log" '^pc1: away after'; }
ok "that it has gone is seen" within 20 gone
ok "and on the screen: it is waited for" code 1 pc1 --for "screen=$T/pc1.png" --timeout 3
sim "${pc1[@]}"
ok "all of it: exit 0" ends restart 0 60
ok "in its order" gives 3 grep -c '^pc1: .* after' "$T/restart.log"

# --- several machines
ok "by a tag: exit 0" code 0 --tag lab --for amt --timeout 30
ok "each has its line" same "$(sort "$T/code.out" | sed 's/ after.*//' | tr '\n' ' ')" "pc1: amt pc2: amt "
ok "one of them not: exit 1" code 1 pc1 lost --for amt --timeout 3
ok "which is said" has "$T/code.err" "^amtgate: lost: no 'amt' within"
ok "and the other is met" has "$T/code.out" '^pc1: amt after'
ok "as JSON" code 1 pc1 lost --for amt --timeout 3 --json
ok "one met" same "$(part '[(m["target"], m["met"]) for m in l]')" "[('pc1', True), ('lost', False)]"

# --- what another look would not mend, and what is wrong
began=$(date +%s)
ok "a refused login: exit 4" code 4 wrong --for amt --timeout 60
ok "in one line" has "$T/code.err" "^amtgate: wrong .*user 'admin'"
ok "at once" test $(($(date +%s) - began)) -le 15
echo "$password" >"$T/password"
ok "no condition: exit 2" code 2 pc1
ok "an unknown one: exit 2" code 2 pc1 --for pong
ok "and what there is" has "$T/code.err" "^amtgate: condition 'pong' \(ping, amt, rmcp"
ok "no target: exit 2" code 2 --for amt
ok "an unknown one: exit 2" code 2 nobody --for amt
# From a host whose connections no gateway takes.
ctl() { on other "$BUILD/amtgate" "$@"; }
ok "-h: exit 0" code 0 -h 10.71.2.11 --password-file "$T/password" --state "$T/own" --for amt --for no-tcp:23 --timeout 20
ok "-h with a wrong password: exit 4" code 4 -h 10.71.2.12 --password-file "$T/cert.pem" --state "$T/own" --for power=on --timeout 20
stop pc3
ok "refused logins were not repeated" gives 2 json_event "$T/pc3.json" end 'e["failed_logins"]'
