#!/usr/bin/env python3
"""A name server for the lab: name_server.py ADDRESS ZONE-FILE

Reads the zone file for each question: lines NAME TTL ADDRESS..., of IPv4. Other names do not exist; other types of these
names have no records. Prints a line for each question, with the time in seconds: 12.345 A pc1.example
"""
import socket
import struct
import sys
import time

A = 1


def zone():
    with open(sys.argv[2], encoding="ascii") as f:
        return {w[0].lower(): (int(w[1]), w[2:]) for w in map(str.split, f) if w}


def answer(question):
    at, labels = 12, []
    while question[at]:
        labels.append(question[at + 1:at + 1 + question[at]].decode("ascii"))
        at += 1 + question[at]
    name, (kind, _) = ".".join(labels).lower(), struct.unpack_from("!HH", question, at + 1)
    print(f"{time.monotonic():.3f} {'A' if kind == A else kind} {name}", flush=True)
    known = zone().get(name)
    ttl, addresses = known if known and kind == A else (0, [])
    head = question[:2] + struct.pack("!HHHHH", 0x8580 if known else 0x8583, 1, len(addresses), 0, 0)
    records = [struct.pack("!HHHIH", 0xC00C, A, 1, ttl, 4) + socket.inet_aton(a) for a in addresses]
    return head + question[12:at + 5] + b"".join(records)


with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.bind((sys.argv[1], 53))
    while True:
        data, client = s.recvfrom(512)
        s.sendto(answer(data), client)
