#!/usr/bin/env python3
"""Holds what amtgated wants, until it is ended:

    holder.py queue N       reads packet queue N, and lets every packet go on
    holder.py port N        listens on TCP port N of both loopback addresses
    holder.py socket PATH   answers on a control socket, as a daemon that nobody gave a capability would
"""
import os
import socket
import struct
import sys
import time


def queue(number):
    """NFQNL_MSG_CONFIG with NFQNL_CFG_CMD_BIND (linux/netfilter/nfnetlink_queue.h)."""
    netfilter = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
    netfilter.bind((0, 0))
    command = struct.pack("!BBH", 1, 0, socket.AF_INET)
    attribute = struct.pack("=HH", 4 + len(command), 1) + command
    message = struct.pack("=BBH", socket.AF_UNSPEC, 0, socket.htons(number)) + attribute
    kind = 3 << 8 | 2  # NFNL_SUBSYS_QUEUE, NFQNL_MSG_CONFIG
    netfilter.sendall(struct.pack("=IHHII", 16 + len(message), kind, 1 | 4, 1, 0) + message)
    error, = struct.unpack_from("=i", netfilter.recv(4096), 16)
    if error:
        sys.exit("packet queue %d: %s" % (number, os.strerror(-error)))
    return [netfilter]


def port(number):
    held = []
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        s = socket.socket(family)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, number))
        s.listen()
        held.append(s)
    return held


def control(path):
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()
    return [s]


what, where = sys.argv[1:]
kept = {"queue": lambda: queue(int(where)), "port": lambda: port(int(where)), "socket": lambda: control(where)}[what]()
print("holding", flush=True)
time.sleep(3600)
