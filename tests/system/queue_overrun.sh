#!/usr/bin/env bash
# More first packets than the daemon can look at: a flood of SYNs, with the daemon working and with the daemon stopped in the
# middle of its work. A stranger's connection must get through, and the daemon must catch again afterwards.
. "$(dirname "$0")/lib.sh"
need socat python3
lab router
sim pc1 10.71.2.10
stranger 5900
gateway <<INI
[intercept]
interfaces = lan0
[target pc1]
address = 10.71.2.10
password = $password
allow = 10.71.1.0/24
INI

flood() { # COUNT: SYNs from made-up clients to the stranger and to nobody, as fast as python can
  on client python3 -c '
import random, socket, struct, sys
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
def checksum(b):
    n = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    n = (n & 0xffff) + (n >> 16)
    return ~((n & 0xffff) + (n >> 16)) & 0xffff
to = [socket.inet_aton("10.71.2.50"), socket.inet_aton("10.71.2.60")]
for i in range(int(sys.argv[1])):
    source, target = bytes((10, 71, 1, 150 + i % 50)), to[i % 2]
    tcp = struct.pack("!HHIIBBHHH", 1024 + i % 60000, 5900, i, 0, 0x50, 2, 1024, 0, 0)
    sum_ = checksum(source + target + struct.pack("!BBH", 0, 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", sum_) + tcp[18:]
    s.sendto(struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, i & 0xffff, 0, 64, 6, 0, source, target) + tcp, ("10.71.2.50", 0))
' "$1"
}
waiting() { on gw awk '$1 == 5900 { print $3 }' /proc/net/netfilter/nfnetlink_queue; }
settled() { [ "$(waiting)" = 0 ]; }

ok "before: the target is caught" serial client 10.71.2.10
ok "before: the stranger sees the client" stranger_sees client 5900 10.71.1.100

flood 40000 &
flooding=$!
good=0
for _ in 1 2 3 4 5 6 7 8; do stranger_sees client 5900 10.71.1.100 >/dev/null && good=$((good + 1)); done
wait $flooding
ok "in the flood: the stranger is reached every time" same $good 8
within 10 settled
ok "after the flood: the target is caught" serial client 10.71.2.10

kill -STOP "${PIDS[gateway]}"
flood 20000
ok "stopped: the queue is full" test "$(waiting)" -ge 8000
ok "stopped: the stranger is reached all the same" stranger_sees client 5900 10.71.1.100
kill -CONT "${PIDS[gateway]}"
ok "going on: the queue is worked off" within 10 settled
ok "going on: the target is caught" serial client 10.71.2.10
ok "going on: the stranger sees the client" stranger_sees client 5900 10.71.1.100
stop gateway
ok "the daemon ends as it should" same $status 0
