#!/usr/bin/env python3
"""An RMCP presence ping, and what comes back as one line of JSON.

    ping.py HOST [--tag N] [--timeout SECONDS] [--hex BYTES...] [--flood N]

{"from": "192.0.2.10", "port": 623, "bytes": "...", "version": "16.1", "provisioning": 2, "open": 16993}
With --flood {"sent": N, "answers": N}. Exit: 0 something came, 1 nothing did.
"""
import argparse
import json
import socket
import struct
import sys
import time

p = argparse.ArgumentParser()
p.add_argument("host")
p.add_argument("--tag", type=int, default=7)
p.add_argument("--timeout", type=float, default=1.5)
p.add_argument("--hex", nargs="+")
p.add_argument("--flood", type=int)
a = p.parse_args()
ping = bytes.fromhex("".join(a.hex)) if a.hex else struct.pack(">BBBBIBBBB", 6, 0, 0, 6, 4542, 0x80, a.tag, 0, 0)
family = socket.AF_INET6 if ":" in a.host else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(a.timeout)
if a.flood:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    for i in range(a.flood):
        s.sendto(ping, (a.host, 623))
        time.sleep(0.001)
    n = 0
    try:
        while True:
            s.recvfrom(2048)
            n += 1
    except (TimeoutError, socket.timeout):
        pass
    print(json.dumps({"sent": a.flood, "answers": n}))
    sys.exit(0 if n else 1)
s.sendto(ping, (a.host, 623))
try:
    data, who = s.recvfrom(2048)
except OSError as e:
    print(json.dumps({"error": str(e)}))
    sys.exit(1)
out = {"from": who[0], "port": who[1], "bytes": data.hex()}
if len(data) >= 28:
    major, minor = (data[18] >> 4, data[18] & 15) if data[18] else (data[22], data[23])
    out.update(version="%d.%d" % (major, minor), provisioning=data[19] & 3, open=struct.unpack(">H", data[16:18])[0],
               tag=data[9])
print(json.dumps(out))
