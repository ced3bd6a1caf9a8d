#!/usr/bin/env bash
# The PC's normal address is on one network, its AMT at another address behind another interface.
. "$(dirname "$0")/lib.sh"
need socat curl
variant=${VARIANT:-vlan}
lab "$variant"
[ "$variant" = vlan ] && untagged=untag0 || untagged=trunk0
sim pc1 10.99.0.10
spawn system pc socat TCP-LISTEN:22,fork,reuseaddr 'SYSTEM:echo the system; echo $SOCAT_PEERADDR'
within 5 listens pc 22
gateway <<INI
[intercept]
interfaces = lan0
[target pc1]
address = 10.71.3.10
amt = 10.99.0.10
interface = $untagged
source = 10.99.0.1
password = $password
allow = 10.71.1.0/24
INI
ok "serial at the PC's normal address" serial client 10.71.3.10
ok "the machine sees the source that is configured" has "$T/pc1.json" '10\.99\.0\.1:'
probe client rfb 10.71.3.10 5900 --frame
ok "screen at the PC's normal address" same "$(field pixels)" 786432
ok "its web page at the PC's normal address" same "$(on client curl -s --max-time 20 -o "$T/page" -w '%{http_code}' http://10.71.3.10:16992/index.htm)" 200
ok "is AMT's" has "$T/page" 'System Status'
on client python3 tests/system/tools/ping.py 10.71.3.10 >"$T/pong"
ok "a presence ping is answered from there" has "$T/pong" '"from": "10\.71\.3\.10"'
ok "amtgate talks to its AMT through that interface" same "$(ctl power state pc1 | tail -n 1 | xargs)" "pc1 on"
ok "other ports of the PC are untouched" has <(on client timeout 20 socat -u TCP:10.71.3.10:22 -) '10\.71\.1\.100'
ok "the AMT's own address is no target" refused client redir 10.99.0.10 16994 sol --timeout 3
