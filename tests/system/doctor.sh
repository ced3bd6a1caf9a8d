#!/usr/bin/env bash
# amtgate doctor: nothing to say on a healthy gateway; each precondition broken by hand, and the check that names it.
. "$(dirname "$0")/lib.sh"
need iptables ip python3
lab router
sim pc1 10.71.2.10 --profile 16.1
sim pc2 10.71.2.11 --profile 16.1 --password 'Other1!pass'
sim pc4 10.71.2.14 --profile 9
gateway <<INI
[intercept]
interfaces = lan0
[defaults]
username = admin
allow = 10.71.1.0/24 fd71:1::/64
[target pc1]
address = 10.71.2.10
password = $password
[target pc2]
address = 10.71.2.11
password = $password
[target pc3]
address = 10.71.2.12
password = $password
[target pc4]
address = 10.71.2.14
tls = yes
password = $password
INI

doctor() { ctl --json doctor "$@" >"$T/doctor.json"; }
failed() { # the checks that failed, "name about", one a line
  python3 -c '
import json, sys
for c in json.load(open(sys.argv[1])):
    if c["state"] == "fail": print((c["check"] + " " + c["about"]).strip())
    assert c["text"] and (c["state"] != "fail") == (not c["remedy"]), c' "$T/doctor.json"
}
names() { # WHAT CHECK...: what doctor now complains of is exactly this, machines left aside
  local what=$1 want
  shift
  doctor --local
  local status=$?
  want=$(printf '%s\n' "$@" | sort)
  ok "$what" same "$(failed | sort)" "$want"
  [ $# = 0 ] && want=0 || want=1
  ok "$what: exit $want" same $status $want
}
gw() { on gw "$@"; }

names "a healthy gateway"

echo "--- rules"
gw iptables -t mangle -F AMTGATE_OUTPUT; names "a chain emptied" "chains IPv4"; rules up
gw ip6tables -t raw -D PREROUTING 1; names "a jump gone" "jumps IPv6"; rules up
gw iptables -t mangle -I PREROUTING -i lan0 -j MARK --set-mark 1; names "somebody's mark before ours" "order IPv4"
gw iptables -t mangle -D PREROUTING 1
gw ip rule del pref 59; names "the policy rule gone" "policy-rule IPv4"; rules up
gw ip -6 route flush table 5900; names "the route gone" "policy-route IPv6"; rules up
gw ip rule add pref 10 fwmark 0x5901 lookup 77; names "the daemon's mark taken" "marks"
gw ip rule del pref 10
rules down
names "no rules" "chains IPv4" "jumps IPv4" "policy-rule IPv4" "policy-route IPv4" "chains IPv6" "jumps IPv6" "policy-rule IPv6" "policy-route IPv6"
rules up

echo "--- the kernel's settings"
gw sysctl -qw net.ipv4.ip_forward=0; names "forwarding off" "forwarding IPv4"; gw sysctl -qw net.ipv4.ip_forward=1
gw sysctl -qw net.ipv6.conf.all.forwarding=0; names "IPv6 forwarding off" "forwarding IPv6"; gw sysctl -qw net.ipv6.conf.all.forwarding=1
gw sysctl -qw net.ipv4.conf.all.src_valid_mark=1; names "marks in source checks" "src_valid_mark"; gw sysctl -qw net.ipv4.conf.all.src_valid_mark=0
gw ip route add 10.71.1.0/25 via 10.71.2.50
names "the way back elsewhere" "return-path pc1" "return-path pc2" "return-path pc3" "return-path pc4"
gw sysctl -qw net.ipv4.conf.lan0.rp_filter=1
names "and a strict reverse-path check" "rp_filter" "return-path pc1" "return-path pc2" "return-path pc3" "return-path pc4"
gw sysctl -qw net.ipv4.conf.lan0.rp_filter=0
gw ip route del 10.71.1.0/25
gw ip route add unreachable 10.71.2.10; names "no way to a machine" "route pc1"; gw ip route del unreachable 10.71.2.10
gw iptables -t raw -I OUTPUT -o amt0 -j CT --notrack; names "untracked" "conntrack"; gw iptables -t raw -D OUTPUT 1
gw ip link set lan0 down; gw ip link set lan0 name lan9
doctor --local
ok "the interface gone" has <(failed) '^interfaces'
gw ip link set lan9 name lan0; gw ip link set lan0 up; gw ip addr replace fd71:1::1/64 dev lan0 nodad
names "all mended"

echo "--- the machines"
doctor
ok "machines: exactly what is wrong with them" same "$(failed | sort)" "$(printf '%s\n' 'credentials pc2' 'reachable pc3' 'tls pc4' | sort)"
doctor pc1
ok "one machine: it is well" same "$(failed)" ""
ok "KVM was tried" python3 -c '
import json, sys
got = {c["check"]: c["state"] for c in json.load(open(sys.argv[1])) if c["about"] == "pc1"}
for check in ("reachable", "tls", "certificate", "kvm", "credentials", "kvm-open"): assert got[check] == "pass", (check, got)' "$T/doctor.json"
ok "nothing was remembered for the daemon" not test -e "$T/state/known_certificates"
ctl doctor pc1 >"$T/text"
ok "people get text" has "$T/text" '^[0-9]+ passed, 0 failed'
hasnt "$T/doctor.json" "$password" >/dev/null && hasnt "$T/text" "$password" >/dev/null
ok "no password is shown" same $? 0
ctl doctor nosuch >/dev/null 2>&1
ok "no such target: exit 2" same $? 2
on gw setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BUILD/amtgate" -c "$T/amtgate.conf" --json doctor >"$T/doctor.json"
ok "without rights it says so" has <(failed) '^rights'

echo "--- the daemon"
stop gateway
names "no daemon" "daemon" "queue" "listener IPv4" "listener IPv6"
