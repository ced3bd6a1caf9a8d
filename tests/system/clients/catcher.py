#!/usr/bin/env python3
"""Stands in for the daemon, so that the rules can be tested without it: listeners and a queue reader.

  catcher.py MODE PORT QUEUE MARK TARGET...    MODE: tproxy or redirect; QUEUE: number, or - for none

A caught client reads `caught DESTINATION for CLIENT`, then what the device itself says to the catcher's own connection
(which carries MARK + 1), then gets its own bytes back. Prints `ready`, and one line for each packet from the queue.
"""
import ipaddress
import socket
import struct
import sys
import threading

mode, port, queue, mark = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4], 0)
targets = {ipaddress.ip_address(t).packed for t in sys.argv[5:]}
NFNL_QUEUE = 3 << 8  # linux/netfilter/nfnetlink.h


def message(kind, number, attributes, flags):
    body = struct.pack("!BBH", 0, 0, number) + attributes
    return struct.pack("=IHHII", 16 + len(body), NFNL_QUEUE | kind, flags, 1, 0) + body


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + b"\0" * (-len(data) % 4)


def read_queue(number):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    s.bind((0, 0))
    for what in (attribute(1, struct.pack("!BBH", 1, 0, 0)),  # bind
                 attribute(2, struct.pack("!IB", 192, 2))):  # copy 192 bytes
        s.send(message(2, number, what, 5))
        error = struct.unpack("=i", s.recv(8192)[16:20])[0]
        if error:
            sys.exit("queue %d: error %d" % (number, error))
    print("ready", flush=True)
    while True:
        data, at, found = s.recv(65536), 20, {}
        while at < len(data):
            length, kind = struct.unpack("=HH", data[at:at + 4])
            found[kind & 0x7fff] = data[at + 4:at + length]
            at += (length + 3) & ~3
        packet_id, _, hook = struct.unpack("!IHB", found[1])
        packet = found[10]
        to = packet[16:20] if packet[0] >> 4 == 4 else packet[24:40]
        caught = to in targets
        print("packet hook", hook, "to", ipaddress.ip_address(to), "caught" if caught else "passed", flush=True)
        verdict = attribute(2, struct.pack("!II", 1, packet_id))
        s.send(message(1, number, verdict + (attribute(3, struct.pack("!I", mark)) if caught else b""), 1))


def original_destination(s):
    if mode == "tproxy":
        return s.getsockname()[:2]
    if s.family == socket.AF_INET:
        raw = s.getsockopt(socket.IPPROTO_IP, 80, 16)
        return socket.inet_ntoa(raw[4:8]), struct.unpack("!H", raw[2:4])[0]
    raw = s.getsockopt(socket.IPPROTO_IPV6, 80, 28)
    return socket.inet_ntop(socket.AF_INET6, raw[8:24]), struct.unpack("!H", raw[2:4])[0]


def serve(client, peer):
    to = original_destination(client)
    client.sendall(("caught %s %d for %s\n" % (to[0], to[1], peer[0])).encode())
    up = socket.socket(client.family)
    up.setsockopt(socket.SOL_SOCKET, 36, mark + 1)
    up.settimeout(5)
    up.connect(to)
    client.sendall(b"device: " + up.recv(1000))
    up.close()
    while True:
        data = client.recv(65536)
        if not data:
            break
        client.sendall(data)
    client.close()


def listen(family, address):
    s = socket.socket(family)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if mode == "tproxy":
        if family == socket.AF_INET:
            s.setsockopt(socket.IPPROTO_IP, 19, 1)  # IP_TRANSPARENT
        else:
            s.setsockopt(socket.IPPROTO_IPV6, 75, 1)  # IPV6_TRANSPARENT
    s.bind((address, port))
    s.listen(64)
    while True:
        threading.Thread(target=serve, args=s.accept(), daemon=True).start()


for of in ((socket.AF_INET, "127.0.0.1" if mode == "tproxy" else "0.0.0.0"),
           (socket.AF_INET6, "::1" if mode == "tproxy" else "::")):
    threading.Thread(target=listen, args=of, daemon=True).start()
if queue != "-":
    read_queue(int(queue))
print("ready", flush=True)
threading.Event().wait()
