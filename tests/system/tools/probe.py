#!/usr/bin/env python3
"""A client that says exactly what it is told to, and prints what came back as one line of JSON.

    probe.py redir HOST PORT sol|ider|kvm [--tls] [--method 1|3|4|auto] [--user U] [--password P] [--say TEXT]
             [--expect TEXT] [--hold SECONDS] [--many N]
    probe.py rfb HOST PORT [--version 3.3|3.7|3.8] [--password P] [--frame] [--hold SECONDS]
    probe.py raw HOST PORT [--tls] [--hex BYTES] [--drip SECONDS] [--wait SECONDS]

redir: {"start": status, "methods": [...], "auth": status, "open": true, "text": "...", "end": "eof|reset|time"}
rfb:   {"greeting": "RFB 003.008", "types": [...], "result": 0, "reason": "...", "name": "...", "size": [w, h],
        "pixels": n}
raw:   {"bytes": hex of what came, "end": "eof|reset|time", "seconds": how long it took}
Exit: 0 the session was opened (raw: always), 1 it was not; 3 no connection.
"""
import argparse
import hashlib
import json
import os
import socket
import ssl
import struct
import sys
import time

URI = b"/RedirectionService"
TAGS = {"sol": b"SOL ", "ider": b"IDER", "kvm": b"KVMR"}


class Ended(Exception):
    pass


class Wire:
    def __init__(self, host, port, tls, timeout):
        self.sock = socket.create_connection((host, port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        self.kept = b""

    def put(self, data):
        try:
            self.sock.sendall(data)
        except OSError as e:
            raise Ended("reset" if isinstance(e, (ConnectionResetError, BrokenPipeError)) else str(e))

    def some(self):
        try:
            data = self.sock.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            raise Ended("reset")
        except (TimeoutError, socket.timeout):
            raise Ended("time")
        except ssl.SSLError as e:
            raise Ended("tls: " + str(e))
        if not data:
            raise Ended("eof")
        return data

    def get(self, n):
        while len(self.kept) < n:
            self.kept += self.some()
        out, self.kept = self.kept[:n], self.kept[n:]
        return out


def len8(b):
    return bytes([len(b)]) + b


def auth_message(method, data):
    return struct.pack("<BBHBI", 0x13, 0, 0, method, len(data)) + data


def get_auth(w):
    head = w.get(9)
    if head[0] != 0x14:
        raise Ended("0x%02x in place of 0x14" % head[0])
    return head[1], head[4], w.get(struct.unpack("<I", head[5:])[0])


def md5(text):
    return hashlib.md5(text).hexdigest().encode()


def log_in(w, out, a):
    w.put(auth_message(0, b""))
    status, method, data = get_auth(w)
    out["methods"] = list(data)
    method = a.method
    if method == "auto":
        method = next((m for m in (4, 3, 1) if m in data), None)
        if method is None:
            raise Ended("no method that we know")
    method = int(method)
    user, password = a.user.encode(), a.password.encode()
    if method == 1:
        w.put(auth_message(1, len8(user) + len8(password)))
        status, _, _ = get_auth(w)
        out["auth"] = status
        return status == 0
    empty = len8(b"")
    w.put(auth_message(method, len8(user) + empty * 2 + len8(URI) + empty * (3 + (method == 4))))
    status, _, data = get_auth(w)
    if status == 0:
        out["auth"] = 0
        return True
    fields, at = [], 0
    while at < len(data):
        fields.append(data[at + 1:at + 1 + data[at]])
        at += 1 + data[at]
    if len(fields) < 2:
        out["auth"] = status
        return False
    realm, nonce = fields[:2]
    cnonce, nc = os.urandom(16).hex().encode(), b"00000002"
    ha1 = md5(user + b":" + realm + b":" + password)
    middle = b":".join([nonce, nc, cnonce, b"auth"]) if method == 4 else nonce
    response = md5(ha1 + b":" + middle + b":" + md5(b"POST:" + URI))
    parts = [user, realm, nonce, URI, cnonce, nc, response] + ([b"auth"] if method == 4 else [])
    w.put(auth_message(method, b"".join(len8(p) for p in parts)))
    status, _, _ = get_auth(w)
    out["auth"] = status
    return status == 0


def redir(a):
    out = {}
    w = Wire(a.host, a.port, a.tls, a.timeout)
    if a.tls:
        out["tls"] = w.sock.version()
    try:
        w.put(bytes([0x10, int(a.service == "kvm"), 0, 0]) + TAGS[a.service])
        head = w.get(4)
        if head[0] != 0x11:
            raise Ended("0x%02x in place of 0x11" % head[0])
        out["start"] = head[1]
        if head[1] == 0:
            rest = w.get(9)
            w.get(rest[8])
            if log_in(w, out, a):
                open_service(w, out, a)
    except Ended as e:
        out["end"] = str(e)
    if a.hold and out.get("open"):
        print(json.dumps(out), flush=True)
        hold(w, out, a.hold)
    return out


def open_service(w, out, a):
    if a.service == "sol":
        w.put(struct.pack("<BBHIHHHHHHI", 0x20, 0, 0, 0, 1000, 100, 0, 10000, 0, 0, 0))
        head = w.get(23)
        out["open"] = head[0] == 0x21 and head[1] == 0
        text = ""
        if a.say:
            line = a.say.encode().decode("unicode_escape").encode("latin1")
            w.put(struct.pack("<BBHIH", 0x28, 0, 0, 0, len(line)) + line)
        end = time.time() + a.timeout
        while a.expect and text.count(a.expect) < a.times and time.time() < end:
            kind = w.get(1)[0]
            if kind == 0x2A:
                n = struct.unpack("<H", w.get(9)[7:])[0]
                text += w.get(n).decode("latin1")
            elif kind in (0x2B, 0x24, 0x25, 0x23):
                w.get(7)
            elif kind == 0x29:
                w.get(9)
            else:
                raise Ended("unknown 0x%02x" % kind)
        out["text"] = text[-2000:]
        if a.expect and text.count(a.expect) < a.times:
            out["open"] = False
    elif a.service == "kvm":
        w.put(bytes([0x40] + [0] * 7))
        out["open"] = w.get(8)[0] == 0x41
        out["greeting"] = w.get(12).decode("latin1").strip()
    else:
        w.put(bytes([0x40] + [0] * 7) + struct.pack("<HHHI", 30000, 0, 20000, 1))
        head = w.get(30)
        out["open"] = head[0] == 0x41 and head[1] == 0


def hold(w, out, seconds):
    """Keeps the session (answering heartbeats where it must) until the time is over or it ends."""
    end = time.time() + seconds
    last = time.time()
    out["end"] = "time"
    while time.time() < end:
        w.sock.settimeout(max(0.05, min(1.0, end - time.time())))
        try:
            w.some()
        except Ended as e:
            if str(e) != "time":
                out["end"] = str(e)
                return
        if out.get("sol_alive", True) and time.time() - last > 4:
            last = time.time()
            try:
                w.put(bytes([0x2B] + [0] * 7))
            except Ended as e:
                out["end"] = str(e)
                return


def vnc_response(password, challenge):
    import subprocess
    key = bytes(int("{:08b}".format(b)[::-1], 2) for b in password.encode()[:8].ljust(8, b"\0"))
    done = subprocess.run(["openssl", "enc", "-des-ecb", "-nopad", "-K", key.hex(), "-provider", "legacy", "-provider", "default"],
                          input=challenge, capture_output=True)
    return done.stdout


def rfb(a):
    out = {}
    w = Wire(a.host, a.port, False, a.timeout)
    try:
        out["greeting"] = w.get(12).decode("latin1").strip()
        w.put(b"RFB 003.00" + a.version[-1:].encode() + b"\n")
        if a.version == "3.3":
            kind = struct.unpack(">I", w.get(4))[0]
            out["types"] = [kind]
            if kind == 0:
                out["reason"] = w.get(struct.unpack(">I", w.get(4))[0]).decode("utf8", "replace")
                return out
        else:
            n = w.get(1)[0]
            if n == 0:
                out["types"] = []
                out["reason"] = w.get(struct.unpack(">I", w.get(4))[0]).decode("utf8", "replace")
                return out
            out["types"] = list(w.get(n))
            kind = 2 if a.rfbpassword and 2 in out["types"] else 1 if 1 in out["types"] else out["types"][0]
            w.put(bytes([kind]))
        if kind == 2:
            w.put(vnc_response(a.rfbpassword or "", w.get(16)))
        if kind == 2 or a.version == "3.8":
            out["result"] = struct.unpack(">I", w.get(4))[0]
            if out["result"] != 0:
                if a.version == "3.8":
                    out["reason"] = w.get(struct.unpack(">I", w.get(4))[0]).decode("utf8", "replace")
                return out
        w.put(b"\x01")
        init = w.get(24)
        out["size"] = list(struct.unpack(">HH", init[:4]))
        out["format"] = init[4:17].hex()
        out["name"] = w.get(struct.unpack(">I", init[20:])[0]).decode("utf8", "replace")
        out["open"] = True
        if a.frame:
            frame(w, out)
        if a.hold:
            print(json.dumps(out), flush=True)
            out["sol_alive"] = False
            hold(w, out, a.hold)
    except Ended as e:
        out["end"] = str(e)
    return out


def frame(w, out):
    """Asks for RGB565 and RAW, and reads tiles until the whole screen has come."""
    width, height = out["size"]
    w.put(struct.pack(">BxxxBBBBHHHBBBxxx", 0, 16, 16, 0, 1, 31, 63, 31, 11, 5, 0))
    w.put(struct.pack(">BxHii", 2, 2, 0, -223))
    w.put(struct.pack(">BBHHHH", 3, 0, 0, 0, width, height))
    seen = 0
    digest = bytearray(width * height * 2)
    while seen < width * height:
        kind = w.get(1)[0]
        if kind == 0:
            for _ in range(struct.unpack(">xH", w.get(3))[0]):
                x, y, rw, rh, encoding = struct.unpack(">HHHHi", w.get(12))
                if encoding != 0:
                    raise Ended("encoding %d" % encoding)
                data = w.get(rw * rh * 2)
                for r in range(rh):
                    at = ((y + r) * width + x) * 2
                    digest[at:at + rw * 2] = data[r * rw * 2:(r + 1) * rw * 2]
                seen += rw * rh
            if seen < width * height:
                w.put(struct.pack(">BBHHHH", 3, 1, 0, 0, width, height))
        elif kind == 3:
            w.get(struct.unpack(">xxxI", w.get(7))[0])
        elif kind != 2:
            raise Ended("server message %d" % kind)
    out["pixels"] = seen
    out["sha256"] = hashlib.sha256(digest).hexdigest()


def raw(a):
    out = {}
    w = Wire(a.host, a.port, a.tls, a.timeout)
    data = bytes.fromhex(a.hex or "")
    began = time.time()
    got = b""
    try:
        if a.drip:
            w.sock.settimeout(a.drip)
            for i in range(len(data)):
                w.put(data[i:i + 1])
                try:
                    got += w.some()
                except Ended as e:
                    if str(e) != "time":
                        raise
        else:
            w.put(data)
        end = time.time() + a.wait
        while time.time() < end:
            w.sock.settimeout(max(0.01, end - time.time()))
            got += w.some()
        out["end"] = "time"
    except Ended as e:
        out["end"] = str(e)
    out["bytes"] = got[:400].hex()
    out["count"] = len(got)
    out["seconds"] = round(time.time() - began, 2)
    out["open"] = True
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("what", choices=["redir", "rfb", "raw"])
    p.add_argument("host")
    p.add_argument("port", type=int)
    p.add_argument("service", nargs="?", default="sol")
    p.add_argument("--tls", action="store_true")
    p.add_argument("--method", default="auto")
    p.add_argument("--user", default="whoever")
    p.add_argument("--password", default="whatever")
    p.add_argument("--rfbpassword", default="")
    p.add_argument("--say")
    p.add_argument("--expect")
    p.add_argument("--times", type=int, default=1)
    p.add_argument("--hold", type=float, default=0)
    p.add_argument("--timeout", type=float, default=20)
    p.add_argument("--version", default="3.8")
    p.add_argument("--frame", action="store_true")
    p.add_argument("--hex")
    p.add_argument("--drip", type=float, default=0)
    p.add_argument("--wait", type=float, default=10)
    a = p.parse_args()
    try:
        out = {"redir": redir, "rfb": rfb, "raw": raw}[a.what](a)
    except (OSError, ssl.SSLError) as e:
        print(json.dumps({"connect": str(e)}))
        sys.exit(3)
    print(json.dumps(out))
    sys.exit(0 if out.get("open") else 1)


main()
