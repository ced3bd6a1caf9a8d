#!/usr/bin/env python3
"""What a person does at a serial console, through a client program: COMMAND gets the typing and shows the console.

    terminal.py [--pty] [--timeout S] [--ready REGEX] [--not HEX,HEX...] WHAT... -- COMMAND...

WHAT, in this order:
    --say TEXT --expect REGEX  TEXT has Python's escapes, the regular expression its own
    --sink MIB                 types `sink N` and N MiB of every value, compares the SHA-256 of what the machine took
    --stream MIB               types `stream N raw`, compares the SHA-256 of what comes
    --bytes                    every value and every pair of values (those of --not left out), typed at `echo-back`,
                               and compared with what comes back
COMMAND talks through pipes, or with --pty through a raw terminal; --ready: typing begins behind that. Exit 0 when
everything was as it should be; prints the end of what came otherwise.
"""
import argparse
import fcntl
import hashlib
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import tty

p = argparse.ArgumentParser()
p.add_argument("--pty", action="store_true")
p.add_argument("--timeout", type=float, default=60)
p.add_argument("--ready", default="")
p.add_argument("--not", dest="without", default="", help="byte strings, in hex, that the program keeps for itself")
p.add_argument("--say", default="")
p.add_argument("--expect", default="")
p.add_argument("--bytes", action="store_true")
p.add_argument("--sink", type=int)
p.add_argument("--stream", type=int)
p.add_argument("command", nargs="+")
a = p.parse_args()
end = time.monotonic() + a.timeout
got = bytearray()

if a.pty:
    mine, theirs = pty.openpty()
    tty.setraw(theirs)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    child = subprocess.Popen(a.command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                             preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(theirs)
    fd_in = fd_out = mine
else:
    child = subprocess.Popen(a.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    fd_in, fd_out = child.stdin.fileno(), child.stdout.fileno()


def finish(why=None):
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
    if why:
        sys.stdout.buffer.write(bytes(got[-3000:]) + b"\n")
        sys.stdout.flush()
    os._exit(1 if why and print(why) is None else 0)


def read():
    left = end - time.monotonic()
    if left <= 0 or not select.select([fd_out], [], [], left)[0]:
        finish("timeout")
    try:
        part = os.read(fd_out, 65536)
    except OSError:
        part = b""
    if not part:
        finish("the program ended")
    got.extend(part)


def until(pattern, begin=0):
    while True:
        found = re.search(pattern, bytes(got[begin:]), re.S)
        if found:
            return begin + found.end()
        read()


def write(data):
    def all_of_it():
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(fd_in, view[:65536]):]
        except OSError as e:
            finish("cannot write: %s" % e)
    threading.Thread(target=all_of_it, daemon=True).start()


def escaped(text):
    return text.encode("latin1").decode("unicode_escape").encode("latin1")


def every_pair():
    """Each value behind each; a run that holds what the program keeps for itself is left out."""
    kept = [bytes.fromhex(h) for h in a.without.split(",") if h]
    values = [v for v in range(256) if bytes([v]) not in kept]
    out = bytearray(b"\r")  # the command's
    for first in values:
        for second in values:
            pair = bytes([first, second])
            if not any(k in bytes(out[-4:]) + pair for k in kept):
                out += pair
    return bytes(out[1:])


if a.ready:
    until(a.ready.encode())
if a.say:
    write(escaped(a.say))
if a.expect:
    until(a.expect.encode())
if a.sink:
    at = len(got)
    data = (bytes(range(1, 256)) + b"\0") * (a.sink * 4096)  # no CR NUL: without BINARY that is the command's Enter
    write(b"\x15sink %d\r" % a.sink)
    at = until(rb"bytes now --\r\n", at)
    write(data)
    until(rb"took %d bytes, sha256 [0-9a-f]{64}" % len(data), at)
    if hashlib.sha256(data).hexdigest().encode() not in got:
        finish("another hash")
    print("took %d bytes" % len(data))
if a.stream:
    n = a.stream << 20
    at = len(got)
    write(b"\x15stream %d raw\r" % a.stream)
    at = until(rb"stream of %d bytes begins --\r\n" % n, at)
    while len(got) < at + n + 80:
        read()
    want = hashlib.sha256(bytes(got[at:at + n])).hexdigest().encode()
    until(rb"stream ends, sha256 [0-9a-f]{64}", at + n)
    if want not in got[at + n:]:
        finish("another hash")
    print("read %d bytes" % n)
if a.bytes:
    at = len(got)
    write(b"\x15echo-back\r")
    at = until(rb"-- echo --\r\n", at)
    data = every_pair()
    write(data)
    while len(got) < at + len(data):
        read()
        n = min(len(got) - at, len(data))
        if got[at:at + n] != data[:n]:
            wrong = next(i for i in range(n) if got[at + i] != data[i])
            around = slice(max(0, wrong - 8), wrong + 8)
            finish("byte %d: typed %s, came %s" % (wrong, data[around].hex(" "), got[at:][around].hex(" ")))
    print("same %d bytes" % len(data))
finish()
