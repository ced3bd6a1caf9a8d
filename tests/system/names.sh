#!/usr/bin/env bash
# Names in address = and amt =. The daemon starts and serves the others while no name server answers; a name that
# becomes known is caught after that. A name server that comes later is found, and what it says is followed.
. "$(dirname "$0")/lib.sh"
lab router
sim pc1 10.71.2.10
sim pc2 10.71.2.11
sim pc3 10.71.2.12
sim pc4 10.71.2.13
sim pc5 10.71.2.15
sim pc6 10.71.2.16
hosts_file gw "10.71.2.11 pc2.example" "10.71.2.12 pc3-amt.example"
gateway <<INI
[defaults]
password = $password
allow = 10.71.1.0/24
[target pc1]
address = 10.71.2.10
[target pc2]
address = pc2.example
[target pc3]
address = 10.71.2.14
amt = pc3-amt.example
[target pc4]
address = pc4.example
[target mover]
address = mover.example
INI
ok "a target given by address is served at once" serial client 10.71.2.10
ok "a name in address = is resolved" within 5 serial client 10.71.2.11
ok "a name in amt = is resolved" within 5 serial client 10.71.2.14
ok "status says which name is missing" has <(ask status) 'pc4.*(unresolved|resolving)|pc4\.example'
ok "the log says it" within 20 has "$T/gateway.log" 'resolve.failed name=pc4\.example'
hosts_file gw "10.71.2.11 pc2.example" "10.71.2.12 pc3-amt.example" "10.71.2.13 pc4.example"
kill -HUP "${PIDS[gateway]}"
ok "caught once the name is known" within 20 serial client 10.71.2.13
ok "the others live on" serial client 10.71.2.10

# A server that the daemon was not started with; 2 s are raised to 5.
echo "mover.example 2 10.71.2.15" >"$T/zone"
spawn questions other tests/system/tools/name_server.py 10.71.2.50 "$T/zone"
echo "nameserver 10.71.2.50" >"/etc/netns/amtgate-$LAB-gw/resolv.conf"
ok "another resolv.conf is noticed" within 40 serial client 10.71.2.15
echo "mover.example 2 10.71.2.16" >"$T/zone"
ok "a changed answer is followed without a reload" within 15 serial client 10.71.2.16
asked() { grep -c ' A mover' "$T/questions.log"; }
more_than() { [ "$(asked)" -gt "$1" ]; }
ok "the name is asked again when its answer expires" within 15 more_than "$(asked)"
pauses() { awk '/ A mover/ { if (last && $1 - last < 4.9) soon++; last = $1; n++ } END { exit !(n > 2 && !soon) }' "$T/questions.log"; }
ok "and not sooner" pauses
stop questions
ok "a name server that is gone is said" within 30 has "$T/gateway.log" 'resolve.failed name=mover.example .*kept=1'
ok "and the last answer stays" serial client 10.71.2.16
