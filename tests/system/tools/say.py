#!/usr/bin/env python3
"""Says hello to a server and prints all that comes back: say.py ADDRESS PORT

Waits for the server's own line (with `saw` in it), says hello, and waits for it to come back: by what arrives, never by how
long it takes. Prints what it has and exits 1 when the connection fails (3 s) or an answer is 10 s late.
"""
import socket
import sys

got = b""


def until(s, word):
    global got
    while word not in got:
        data = s.recv(65536)
        if not data:
            raise OSError("closed")
        got += data


try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) as s:
        s.settimeout(10)
        until(s, b" saw ")
        s.sendall(b"hello\n")
        until(s, b"hello\n")
    print(got.decode(errors="replace"), end="")
except OSError as e:
    print(got.decode(errors="replace") + str(e))
    sys.exit(1)
