#!/usr/bin/env bash
# amtgate doctor and the daemon: not running, without its capability, its queue or port in other hands, iptables without an
# extension. Each is named alone, with what mends it; mended, nothing is left to say.
. "$(dirname "$0")/lib.sh"
need iptables ip python3 setpriv
. "$(dirname "$0")/_doctor.sh"
without= libraries=
doctor() { # in a mount namespace of its own, where the folder $without lies over iptables' libraries
  on gw unshare -m sh -c '[ -z "$1" ] || mount --bind "$1" "$2" || exit 9; shift 2; exec "$@"' sh "$without" "$libraries" \
    "$BUILD/amtgate" -c "$T/amtgate.conf" --json doctor "$@" >"$T/doctor.json"
}
lab router
sim pc1 10.71.2.10
conf() { # LINE...: of [intercept]
  configure <<INI
[intercept]
interfaces = lan0
$(printf '%s\n' "$@")
[target pc1]
address = 10.71.2.10
password = $password
allow = 10.71.1.0/24 fd71:1::/64
INI
}
conf
rules up
daemon_start
hold() { # NAME COMMAND...: a program that takes what the daemon wants
  rm -f "$T/$1.log"
  spawn "$1" gw "${@:2}"
  within 5 has "$T/$1.log" '^holding' || { cat "$T/$1.log"; exit 1; }
}
holder() { hold "$1" python3 tests/system/tools/holder.py "${@:2}"; }
names "a healthy gateway"

echo "--- not running"
stop gateway
names "no daemon" daemon queue "listener IPv4" "listener IPv6"
ok "the remedy starts it" says daemon "" 'systemctl start amtgated'
ok "what happens to connections is told" tells queue "" 'go past the gateway'
conf 'fail = closed'
rules up
names "no daemon, fail = closed" daemon queue "listener IPv4" "listener IPv6"
ok "what happens to connections is told" tells queue "" 'are dropped'
conf
rules up

echo "--- the queue in other hands"
holder thief queue 5900
on gw timeout 10 amtgated -c "$T/amtgate.conf" >"$T/start.out" 2>&1
ok "the daemon does not start" same $? 1
names "another program reads the queue" daemon queue "listener IPv4" "listener IPv6"
ok "and is named" tells queue "" "process ${PIDS[thief]}"
ok "and what to do" says queue "" 'end that program'
stop thief
daemon_start
names "mended"
conf 'queue = 5901'
rules up
holder thief queue 5901
names "the queue of a changed file is another program's" queue
ok "which is named" tells queue "" "process ${PIDS[thief]}"
stop thief
names "nobody reads the queue of a changed file" queue
ok "and a restart mends it" says queue "" 'restart'
conf
rules up
names "mended"

echo "--- the listener"
conf 'port = 5898'
rules up
names "the port of a changed file" "listener IPv4" "listener IPv6"
ok "and a restart mends it" says listener IPv4 'restart'
holder thief port 5898
names "the port is another program's" "listener IPv4" "listener IPv6"
ok "which is named" tells listener IPv6 "process ${PIDS[thief]}"
ok "and what to do" says listener IPv6 'end that program'
stop thief
conf
rules up
names "mended"

echo "--- the capability"
stop gateway
on gw setpriv --bounding-set=-net_admin --inh-caps=-net_admin timeout 10 amtgated -c "$T/amtgate.conf" >"$T/start.out" 2>&1
ok "the daemon does not start without it" same $? 1
ok "and says why" has "$T/start.out" '(CAP_NET_ADMIN|cap_net_admin)'
on gw setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BUILD/amtgate" -c "$T/amtgate.conf" --json doctor --local >"$T/doctor.json"
ok "a container that has it not" has <(failed) '^capabilities'
ok "what to give it" says capabilities "" 'NET_ADMIN'
hold powerless setpriv --reuid nobody --clear-groups /usr/bin/python3 tests/system/tools/holder.py socket "$T/run/control.sock"
doctor --local
ok "a daemon that runs without it" has <(failed) '^capabilities'
ok "which is named" tells capabilities "" "process ${PIDS[powerless]} lacks CAP_NET_ADMIN"
ok "and what to do" says capabilities "" 'AmbientCapabilities=CAP_NET_ADMIN.*CapabilityBoundingSet='
stop powerless
daemon_start
names "mended"

echo "--- iptables without an extension"
libraries=$(dirname "$(find /usr/lib /lib -name libxt_TPROXY.so -print -quit 2>/dev/null)")
for part in TPROXY socket NFQUEUE connmark CONNMARK; do
  rm -rf "$T/xtables"
  cp -r "$libraries" "$T/xtables" && rm -f "$T/xtables/libxt_$part.so" || ok "libraries of iptables" false
  without=$T/xtables
  names "no $part in iptables" "extensions $part"
  ok "no $part: which library is told" tells extensions "$part" "libxt_$part\\.so"
  ok "no $part: what to do is told" says extensions "$part" 'apt-get install --reinstall iptables'
  without=
done
names "mended"
