#!/usr/bin/env python3
# A slow and broken link: relays TCP connections, as the file MODE says at the moment, read anew for each piece:
#   pass            as fast as they come
#   drip N          N bytes at a time in each direction, 100 times a second at most
#   stall           nothing goes through, and no connection ends
#   cut             every connection is reset, and new ones are
#   after N         the connection is reset when N more bytes have gone to the client's side
# link_relay.py MODE LISTEN-ADDRESS TO-ADDRESS PORT...
import socket
import struct
import sys
import threading
import time

mode_file, here, there = sys.argv[1:4]


def mode():
    try:
        words = open(mode_file).read().split()
    except OSError:
        words = []
    return words or ["pass"]


def reset(*socks):
    for s in socks:
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


class Link:
    def __init__(self, a, b):
        self.a, self.b, self.passed, self.alive = a, b, 0, True
        for one, other in ((a, b), (b, a)):
            threading.Thread(target=self.carry, args=(one, other), daemon=True).start()
        threading.Thread(target=self.watch, daemon=True).start()

    def watch(self):  # a cut comes without traffic too
        while self.alive:
            if mode()[0] == "cut":
                return self.end()
            time.sleep(0.05)

    def end(self):
        self.alive = False
        reset(self.a, self.b)

    def carry(self, source, sink):
        try:
            while True:
                m = mode()
                if m[0] == "stall":
                    time.sleep(0.05)
                    continue
                data = source.recv(int(m[1]) if m[0] == "drip" else 65536)
                while mode()[0] == "stall":
                    time.sleep(0.05)
                if not data:
                    break
                if m[0] == "after":
                    self.passed += len(data)
                    if self.passed > int(m[1]):
                        break
                sink.sendall(data)
                if m[0] == "drip":
                    time.sleep(0.01)
        except OSError:
            pass
        self.end()


def serve(port):
    s = socket.create_server((here, port))
    while True:
        a, _ = s.accept()
        if mode()[0] == "cut":
            reset(a)
            continue
        try:
            b = socket.create_connection((there, port), timeout=10)
            b.settimeout(None)
        except OSError:
            reset(a)
            continue
        for x in (a, b):
            x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Link(a, b)


threads = [threading.Thread(target=serve, args=(int(p),), daemon=True) for p in sys.argv[4:]]
for t in threads:
    t.start()
for t in threads:
    t.join()
