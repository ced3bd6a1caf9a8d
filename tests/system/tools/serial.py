#!/usr/bin/env python3
"""A plain TCP client of a serial console (sol_listen = tcp:).

    serial.py ADDRESS PORT [--say TEXT] [--expect REGEX] [--timeout S] [--stay]
    serial.py ADDRESS PORT --sink MIB     types `sink N` and N MiB of every byte value, compares the SHA-256
    serial.py ADDRESS PORT --stream MIB   types `stream N raw`, compares the SHA-256 of what comes; --slow BYTES/S

TEXT has Python's escapes. Prints what came; exit 0 when it matched.
"""
import argparse
import hashlib
import re
import socket
import sys
import time

p = argparse.ArgumentParser()
p.add_argument("address")
p.add_argument("port", type=int)
p.add_argument("--say", default="")
p.add_argument("--expect", default="")
p.add_argument("--timeout", type=float, default=15)
p.add_argument("--stay", action="store_true", help="until the other side ends")
p.add_argument("--sink", type=int)
p.add_argument("--stream", type=int)
p.add_argument("--slow", type=int, default=0)
p.add_argument("--late", action="store_true", help="behind the first prompt")
a = p.parse_args()
end = time.monotonic() + a.timeout
s = socket.create_connection((a.address, a.port), 10)
got = bytearray()


def read(size=65536):
    s.settimeout(max(0.01, end - time.monotonic()))
    try:
        part = s.recv(size)
    except (TimeoutError, socket.timeout):
        return fail("timeout")
    if not part:
        fail("closed")
    got.extend(part)
    return len(part)


def fail(why):
    sys.stdout.buffer.write(bytes(got[-4000:]))
    sys.exit(why)


def until(pattern):
    while not re.search(pattern, bytes(got), re.S):
        read()


if a.sink:
    data = bytes(range(256)) * (a.sink * 4096)
    s.sendall(b"\x15sink %d\r" % a.sink)
    until(rb"bytes now --\r\n")
    s.settimeout(a.timeout)
    s.sendall(data)
    until(rb"took %d bytes, sha256 [0-9a-f]{64}" % len(data))
    if hashlib.sha256(data).hexdigest().encode() not in got:
        fail("another hash")
    print("same %d bytes" % len(data))
    sys.exit(0)
if a.stream:
    n = a.stream << 20
    s.sendall(b"\x15stream %d raw\r" % a.stream)
    begin = rb"stream of %d bytes begins --\r\n" % n
    until(begin)
    at = re.search(begin, bytes(got)).end()
    while len(got) < at + n + 80:
        r = read(4096 if a.slow else 65536)
        if a.slow:
            time.sleep(r / a.slow)
    want = hashlib.sha256(bytes(got[at:at + n])).hexdigest().encode()
    until(b"stream ends, sha256 [0-9a-f]{64}")
    if want not in got[at + n:]:
        fail("another hash")
    print("same %d bytes" % n)
    sys.exit(0)
if a.say:
    s.sendall(a.say.encode("latin1").decode("unicode_escape").encode("latin1"))
if a.expect:
    until(a.expect.encode().decode("unicode_escape").encode("latin1"))
while a.stay:
    s.settimeout(None)
    part = s.recv(65536)
    if not part:
        break
    sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()
sys.stdout.buffer.write(bytes(got))
