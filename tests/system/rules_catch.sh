#!/usr/bin/env bash
# What the rules of amtgate-rules do to packets, with a stand-in for the daemon (clients/catcher.py): forwarded connections and
# the host's own, IPv4 and IPv6, targets and strangers, the daemon up, down and killed, with both iptables back ends.
. "$(dirname "$0")/lib.sh"
need iptables iptables-legacy ip socat python3 unshare conntrack
lab router

target4=10.71.2.10 target6=fd71:2::10 stranger4=10.71.2.50 stranger6=fd71:2::50
for h in amt other; do
  spawn "$h" "$h" socat TCP6-LISTEN:5900,fork,reuseaddr,ipv6only=0 SYSTEM:"echo $h saw \$SOCAT_PEERADDR; cat"
  within 5 listens "$h" 5900
done
mkdir "$T/legacy" && cp -a /etc/alternatives/. "$T/legacy/"
for p in iptables ip6tables; do
  for s in "" -save -restore; do ln -sf "/usr/sbin/$p-legacy$s" "$T/legacy/$p$s"; done
done
backend=nft
rules_() {
  if [ $backend = legacy ]; then
    on gw unshare -m sh -c 'mount --bind "$0" /etc/alternatives && exec "$@"' "$T/legacy" "$BUILD/amtgate-rules" "$@"
  else
    on gw "$BUILD/amtgate-rules" "$@"
  fi
}
up() { # the [intercept] section's keys on standard input
  { printf '[gateway]\nuser = nobody\n[intercept]\ninterfaces = lan0\n'; cat; } >"$T/c.conf"
  chmod 600 "$T/c.conf"
  rules_ up -c "$T/c.conf"
}
catcher() { # MODE QUEUE
  spawn catcher gw python3 -u tests/system/clients/catcher.py "$1" 5899 "$2" 0x5900 $target4 $target6
  within 10 grep -q ready "$T/catcher.log"
}
uncatcher() { stop catcher "${1:-TERM}"; rm -f "$T/catcher.log"; }
say() { on "$1" python3 tests/system/tools/say.py "$2" 5900 2>&1; } # HOST ADDRESS: what comes back
caught() { # HOST ADDRESS: by the catcher, under the address aimed at, which reached the device itself
  say "$1" "$2" >"$T/said"
  has "$T/said" "caught $2 5900 for" && has "$T/said" 'device: amt saw' && has "$T/said" '^hello'
}
direct() { # HOST ADDRESS SERVER: the server sees the client's own address
  say "$1" "$2" >"$T/said"
  has "$T/said" "^$3 saw" && has "$T/said" '^hello' && hasnt "$T/said" caught >/dev/null && {
    [ "$1" != client ] || has "$T/said" 'saw \[(0000:0000:0000:0000:0000:ffff:0a47:0164|fd71:0001:0000:0000:0000:0000:0000:0100)\]'
  }
}
fails() { say "$1" "$2" >"$T/said"; hasnt "$T/said" 'saw|caught'; }
all_caught() {
  local h a
  for h in client gw; do for a in $target4 $target6; do ok "$1: $h to $a is caught" caught $h $a; done; done
}
strangers_direct() {
  local h a
  for h in client gw; do for a in $stranger4 $stranger6; do ok "$1: $h to the stranger $a is not" direct $h $a other; done; done
}
all_direct() {
  local h a
  for h in client gw; do for a in $target4 $target6; do ok "$1: $h to $a goes through" direct $h $a amt; done; done
}

for backend in nft legacy; do
  echo "--- tproxy, queue ($backend)"
  up </dev/null || exit 1
  all_direct "$backend, no daemon"
  catcher tproxy 5900
  all_caught "$backend"
  strangers_direct "$backend"
  ok "$backend: each first packet was asked for once" gives 8 grep -c '^packet' "$T/catcher.log"
  ok "$backend: forwarded ones before routing, own ones in output" same "$(grep '^packet' "$T/catcher.log" | cut -d' ' -f3 | sort | uniq -c | tr -s ' \n' ' ')" " 4 0 4 3 "
  on gw sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.lan0.rp_filter=1 net.ipv4.conf.amt0.rp_filter=1
  ok "$backend: with strict rp_filter" caught client $target4
  on gw sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.lan0.rp_filter=0 net.ipv4.conf.amt0.rp_filter=0

  on gw sysctl -qw net.ipv4.tcp_syncookies=2
  all_caught "$backend, SYN cookies"
  on gw sysctl -qw net.ipv4.tcp_syncookies=1
  on gw $([ $backend = nft ] && echo iptables || echo iptables-legacy) -t mangle -A OUTPUT -j CONNMARK --restore-mark
  ok "$backend: beside somebody's restored marks" caught client $target4
  on gw $([ $backend = nft ] && echo iptables || echo iptables-legacy) -t mangle -D OUTPUT -j CONNMARK --restore-mark

  # Flows through the moment of the daemon's death.
  for h in client gw; do
    { within 20 test -e "$T/late"; echo late; sleep 2; } | on $h timeout 30 socat -T25 - TCP:$target4:5900 >"$T/flow-$h" 2>&1 &
    eval "flow_$h=$!"
    { within 20 test -e "$T/late"; echo late; sleep 2; } | on $h timeout 30 socat -T25 - TCP:$stranger4:5900 >"$T/stranger-$h" 2>&1 &
    eval "other_$h=$!"
  done
  for h in client gw; do
    within 10 has "$T/flow-$h" 'amt saw' && within 10 has "$T/stranger-$h" 'other saw' || echo "$h's flows did not begin"
  done
  uncatcher KILL
  start=$SECONDS
  touch "$T/late"
  wait $flow_client $flow_gw
  ok "$backend: killed: caught flows end" test $((SECONDS - start)) -lt 15
  for h in client gw; do ok "$backend: killed: $h's flow was caught" has "$T/flow-$h" caught; done
  for h in client gw; do ok "$backend: killed: $h's flow does not go on elsewhere" hasnt "$T/flow-$h" '^late|^amt'; done
  wait $other_client $other_gw
  rm "$T/late"
  for h in client gw; do ok "$backend: killed: $h's strangers live on" has "$T/stranger-$h" '^late'; done
  all_direct "$backend, daemon killed"
  catcher tproxy 5900
  all_caught "$backend, daemon back"
  uncatcher

  echo "--- fail = closed ($backend)"
  echo 'fail = closed' | up
  for a in $target4 $target6; do ok "$backend: closed, no daemon: nothing to $a" fails client $a; done
  catcher tproxy 5900
  ok "$backend: closed, daemon up" caught client $target4
  strangers_direct "$backend, closed"
  uncatcher

  echo "--- local = no ($backend)"
  rules_ down
  echo 'local = no' | up
  on gw conntrack -F 2>/dev/null
  catcher tproxy 5900
  ok "$backend: local = no: forwarded" caught client $target4
  ok "$backend: local = no: forwarded, IPv6" caught client $target6
  ok "$backend: local = no: own goes through" direct gw $target4 amt
  ok "$backend: local = no: nothing is tracked" same "$(on gw conntrack -L 2>/dev/null | wc -l)" 0
  uncatcher

  echo "--- classify = all ($backend)"
  echo 'classify = all' | up
  catcher tproxy -
  all_caught "$backend, all"
  spawn own gw socat TCP6-LISTEN:5900,fork,reuseaddr,ipv6only=0 SYSTEM:'echo own saw $SOCAT_PEERADDR; cat'
  within 5 listens gw 5900
  ok "$backend: all: the host's own service is not caught" direct client 10.71.1.1 own
  ok "$backend: all: nor from the host itself" direct gw 10.71.1.1 own
  stop own
  uncatcher

  echo "--- redirect ($backend)"
  echo 'mode = redirect' | up
  all_direct "$backend, redirect, no daemon"
  catcher redirect 5900
  all_caught "$backend, redirect"
  strangers_direct "$backend, redirect"
  uncatcher
  printf 'mode = redirect\nclassify = all\n' | up
  catcher redirect -
  all_caught "$backend, redirect, all"
  uncatcher

  rules_ down
  all_direct "$backend, rules gone"
done
