#!/usr/bin/env bash
# amtgate doctor: nothing to say on a healthy gateway; each precondition broken by hand, and the check that names it.
. "$(dirname "$0")/lib.sh"
need iptables ip python3
lab router
sim pc1 10.71.2.10 --profile 16.1
sim pc2 10.71.2.11 --profile 16.1 --password 'Other1!pass'
sim pc4 10.71.2.14 --profile 9
sim pc5 10.71.2.15 --profile ism
sim pc6 10.71.2.16 --off kvm,sol
sim pc7 10.71.2.17 --consent
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
[target pc5]
address = 10.71.2.15
password = $password
[target pc6]
address = 10.71.2.16
password = $password
[target pc7]
address = 10.71.2.17
password = $password
INI

. "$(dirname "$0")/_doctor.sh"

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
everyone=$(for n in 1 2 3 4 5 6 7; do echo "return-path pc$n"; done)
mapfile -t everyone <<<"$everyone"
gw ip route add 10.71.1.0/25 via 10.71.2.50
names "the way back elsewhere" "${everyone[@]}"
gw sysctl -qw net.ipv4.conf.lan0.rp_filter=1
names "and a strict reverse-path check" rp_filter "${everyone[@]}"
gw sysctl -qw net.ipv4.conf.lan0.rp_filter=0
gw ip route del 10.71.1.0/25
names "mended"
gw ip route add unreachable 10.71.2.10; names "no way to a machine" "route pc1"; gw ip route del unreachable 10.71.2.10
gw iptables -t raw -I OUTPUT -o amt0 -j CT --notrack; names "untracked" "conntrack"; gw iptables -t raw -D OUTPUT 1
gw ip link set lan0 down; gw ip link set lan0 name lan9
doctor --local
ok "the interface gone" has <(failed) '^interfaces'
gw ip link set lan9 name lan0; gw ip link set lan0 up; gw ip addr replace fd71:1::1/64 dev lan0 nodad
names "all mended"

echo "--- the machines"
doctor
ok "machines: exactly what is wrong with them" same "$(failed | sort)" "$(
  printf '%s\n' 'credentials pc2' 'reachable pc3' 'tls pc4' 'kvm pc5' 'kvm pc6' 'sol pc6' 'consent pc7' | sort)"
ok "wrong credentials: the remedy names them" says credentials pc2 'check username and password'
ok "unreachable: the remedy names what to look at" says reachable pc3 'power.*network'
ok "old TLS: the remedy names the setting" says tls pc4 'tls_min = 1\.0'
ok "no KVM in this product: the remedy says so" says kvm pc5 'Standard Manageability.*vnc'
ok "KVM switched off: the remedy names the switch" says kvm pc6 'MEBx'
ok "SOL switched off: the remedy names the switch" says sol pc6 'AMT_RedirectionService'
ok "consent: the remedy names the setting" says consent pc7 'OptInRequired'
ok "the login of a machine without KVM is tried all the same" state credentials pc5 pass
ok "and of one with neither KVM nor SOL" state credentials pc6 pass
ok "what is not switched off is well" state ider pc6 pass
before=$(logins pc2)
ok "one wrong login a run, and no second" same "$before" 1
echo "--- the machines, mended"
for n in pc2 pc4 pc5 pc6 pc7; do stop $n; done
sim pc2 10.71.2.11 --profile 16.1
sim pc3 10.71.2.12 --profile 16.1
sim pc4 10.71.2.14 --profile 15
sim pc5 10.71.2.15 --profile 16.1
sim pc6 10.71.2.16
sim pc7 10.71.2.17
doctor
ok "all is well" same "$(failed)" ""
cp "$T/amtgate.conf" "$T/good.conf"
sed -i "/^\[target pc1\]/a tls_pin = sha256:$(printf '0%.0s' {1..64})" "$T/amtgate.conf"
doctor pc1
ok "another certificate than the pinned one" same "$(failed)" "certificate pc1"
ok "the remedy names the pin" says certificate pc1 'tls_pin'
cp "$T/good.conf" "$T/amtgate.conf"
doctor pc1
ok "mended" same "$(failed)" ""
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
echo "--- rights"
on gw setpriv --bounding-set=-net_admin --inh-caps=-net_admin "$BUILD/amtgate" -c "$T/amtgate.conf" --json doctor >"$T/doctor.json"
ok "root in a container without CAP_NET_ADMIN: it says so" has <(failed) '^rights'
ok "and what to do" says rights "" 'cap-add NET_ADMIN'
