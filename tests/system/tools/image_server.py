#!/usr/bin/env python3
"""Files over HTTP with ranges, well or badly: image_server.py ADDRESS PORT FOLDER [--delay MS]

GET /HOW/NAME serves FOLDER/NAME; HOW is a word of these:
  good       ranges, ETag, If-Range; while FOLDER/NAME.next is there that file instead, with another ETag
  none       no ranges; no-length: nor a Content-Length
  naked      ranges without ETag and date
  short      answers end in the middle, with the right Content-Length
  lie-length a Content-Length of one byte less than the range
  lie-range  Content-Range of another place than asked for, from the second answer on
  lie-total  a total of another size from the second answer on
  long       more bytes than asked for
  stall      half an answer, then nothing, from the second answer on
  redirect   to itself, without end
  to-good    a redirect to /good/NAME;  to-file: to file:///etc/passwd
  big-head   a head of 200 kB
  coded      says that it is gzip
  private    only for user u with password s3cret-web
--delay: before each answer, as a server so far away. Requests are counted in FOLDER/requests.log."""
import base64
import hashlib
import os
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

args = sys.argv[1:]
delay = 0.0
if "--delay" in args:
    at = args.index("--delay")
    delay = float(args[at + 1]) / 1000
    del args[at:at + 2]
address, port, folder = args[0], int(args[1]), args[2]
lock = threading.Lock()
seen = {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def end(self, status, headers=(), body=b""):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if delay:
            time.sleep(delay)
        path = self.path.split("?")[0]
        match = re.fullmatch(r"/([a-z-]+)/([A-Za-z0-9._-]+)", path)
        if not match:
            return self.end(404)
        how, name = match.groups()
        with lock:
            seen[path] = count = seen.get(path, 0) + 1
            with open(os.path.join(folder, "requests.log"), "a", encoding="ascii") as log:
                log.write(f"{path} {self.headers.get('Range', '-')}\n")
        if how == "redirect":
            return self.end(302, [("Location", self.path)])
        if how == "to-good":
            return self.end(302, [("Location", f"/good/{name}")])
        if how == "to-file":
            return self.end(302, [("Location", "file:///etc/passwd")])
        if how == "private" and self.headers.get("Authorization") != "Basic " + base64.b64encode(b"u:s3cret-web").decode():
            return self.end(401, [("WWW-Authenticate", "Basic realm=x")])
        file = os.path.join(folder, name)
        if how == "good" and os.path.exists(file + ".next"):
            file += ".next"
        try:
            source = open(file, "rb")
        except OSError:
            return self.end(404)
        with source:
            self.serve(how, source, os.fstat(source.fileno()), count)

    def serve(self, how, source, stat, count):
        size = stat.st_size
        tag = '"' + hashlib.sha1(f"{stat.st_ino} {size} {stat.st_mtime_ns}".encode()).hexdigest()[:16] + '"'
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if_range = self.headers.get("If-Range")
        if how in ("none", "no-length") or (if_range and if_range != tag and how != "naked"):
            wanted = None
        first, last = (int(wanted[1]), min(int(wanted[2]), size - 1)) if wanted else (0, size - 1)
        if first > last:
            return self.end(416)
        length = last - first + 1
        self.send_response(206 if wanted else 200)
        if how != "naked":
            self.send_header("ETag", tag)
        if how == "coded":
            self.send_header("Content-Encoding", "gzip")
        if how == "big-head":
            for i in range(200):
                self.send_header(f"X-{i}", "x" * 1000)
        later = count > 1
        if wanted:
            shift = 2048 if how == "lie-range" and later else 0
            total = size + 4096 if how == "lie-total" and later else size
            self.send_header("Content-Range", f"bytes {first + shift}-{last + shift}/{total}")
        promised = length - 1 if how == "lie-length" and later else length
        if how == "no-length" or (how == "long" and later):
            self.close_connection = True
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.flush()
        if how in ("short", "stall") and later:
            length //= 2
        sent = 0
        while sent < length:
            n = os.sendfile(self.connection.fileno(), source.fileno(), first + sent, length - sent)
            if n == 0:
                break
            sent += n
        if how == "long" and later:
            self.wfile.write(b"x" * 4096)
        if how == "stall" and later:
            time.sleep(60)
        if how in ("short", "stall", "lie-length") and later:
            self.close_connection = True


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # clients may go in the middle


Server((address, port), Handler).serve_forever()
