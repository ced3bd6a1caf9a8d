#!/usr/bin/env bash
# Connections are caught where they should be and nowhere else: forwarded ones (IPv4 and IPv6) and the gateway's own,
# with TPROXY and with NAT redirect; strangers pass untouched; with the daemon down `fail` decides; rules leave no trace.
. "$(dirname "$0")/lib.sh"
need socat iptables-save
lab router
sim pc1 10.71.2.10
sim pc6 fd71:2::10
stranger 16994
stranger 5900

settings() { # LINES for [intercept]
  printf '[intercept]\n'
  printf '%s\n' "$@"
  printf '[defaults]\npassword = %s\nallow = 10.71.1.0/24 10.71.2.1 fd71::/16\n' "$password"
  printf '[target pc1]\naddress = 10.71.2.10\n[target pc6]\naddress = fd71:2::10\n'
}
footprint() {
  on gw iptables-save; on gw ip6tables-save; on gw ip rule; on gw ip -6 rule
  on gw ip route show table all; on gw ip -6 route show table all
}
trace() { footprint 2>/dev/null | grep -vE '^#|^:(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING) |^\*|^COMMIT|^(local|anycast|multicast) .*(fe80|::|ff00)|^fe80'; }

trace >"$T/before"
gateway < <(settings 'local = yes')
ok "forwarded IPv4 is caught" serial client 10.71.2.10
ok "the machine sees the gateway's address" has "$T/pc1.json" '10\.71\.2\.1:'
ok "and not the client's" hasnt "$T/pc1.json" '10\.71\.1\.100'
ok "forwarded IPv6 is caught" serial client fd71:2::10
ok "TLS port is caught" serial client 10.71.2.10 16995 --tls
ok "own connections are caught (IPv4)" serial gw 10.71.2.10
ok "own connections are caught (IPv6)" serial gw fd71:2::10
ok "a stranger sees the client itself (16994)" stranger_sees client 16994 10.71.1.100
ok "a stranger sees the client itself (5900)" stranger_sees client 5900 10.71.1.100
ok "a stranger sees the gateway's own" stranger_sees gw 5900 10.71.2.1
ok "nothing in the log about strangers" hasnt "$T/gateway.log" '10\.71\.2\.50'

trace >"$T/up"
rules up
ok "up twice changes nothing" same "$(trace)" "$(cat "$T/up")"
ok "own chains are named AMTGATE_" has "$T/up" 'AMTGATE_'

stop gateway KILL
ok "fail = open: after a crash, to the machine directly" serial client 10.71.2.10 16994 --user admin --password "$password"
ok "the machine sees the client's address then" has "$T/pc1.json" '10\.71\.1\.100'
ok "fail = open: strangers pass" stranger_sees client 16994 10.71.1.100
daemon_start
ok "caught again after the restart" serial client 10.71.2.10
stop gateway
rules down
ok "down leaves no trace" same "$(trace)" "$(cat "$T/before")"
rules down
ok "down twice is fine" same "$(trace)" "$(cat "$T/before")"

gateway < <(settings 'fail = closed')
ok "fail = closed: works" serial client 10.71.2.10
stop gateway KILL
refused client redir 10.71.2.10 16994 sol --timeout 3
ok "fail = closed: dropped with the daemon down" has <(echo "$answer") 'timed out'
rules down
ok "reachable when the rules are gone" serial client 10.71.2.10 16994 --user admin --password "$password"

gateway < <(settings 'local = no' 'interfaces = lan0')
ok "interfaces = lan0: forwarded is caught" serial client 10.71.2.10
ok "local = no: own connections are not" refused gw redir 10.71.2.10 16994 sol
stop gateway; rules down

gateway < <(settings 'mode = redirect' 'local = yes')
ok "redirect: IPv4" serial client 10.71.2.10
ok "redirect: IPv6" serial client fd71:2::10
ok "redirect: own" serial gw 10.71.2.10
ok "redirect: strangers untouched" stranger_sees client 16994 10.71.1.100
stop gateway; rules down
ok "redirect: no trace" same "$(trace)" "$(cat "$T/before")"

gateway < <(settings 'classify = all')
ok "classify = all: caught" serial client 10.71.2.10
ok "classify = all: strangers are relayed from the client's own address" stranger_sees client 16994 10.71.1.100
ok "classify = all: strangers are no sessions" hasnt "$T/gateway.log" 'session.*10\.71\.2\.50'
stop gateway; rules down
ok "classify = all: no trace" same "$(trace)" "$(cat "$T/before")"
