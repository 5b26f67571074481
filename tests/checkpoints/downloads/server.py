"""A server on this machine that breaks off, lies, redirects and counts what it is asked for."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BODY = bytes(range(256)) * 5000
WRONG = b"x" * len(BODY)
SHA = hashlib.sha256(BODY).hexdigest()
NAME = f"model-{SHA[:8]}.pth"


class Handler(BaseHTTPRequestHandler):
    """Answers by the rule for the path or for the first part of it; other paths are missing."""

    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        rules = self.server.rules
        rule = rules.get(self.path) or rules.get(self.path.split("/")[1], "missing")
        if rule == "missing":
            return self.send_error(404)
        if rule.startswith("to "):
            self.send_response(302)
            self.send_header("Location", rule.removeprefix("to "))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if rule == "slow":
            time.sleep(0.3)
        if rule == "silence":
            self.server.ending.wait()
            return None
        if rule == "drip head":
            return self.drip(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000)
        body = {"wrong": WRONG, "error page": b"\n<!DOCTYPE html><p>Please log in"}.get(rule, BODY)
        start = 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
        if asked and self.headers.get("If-Range") == self.server.etag:
            start = int(asked[1])
        self.send_response(206 if start else 200)
        whole = len(body) + (self.server.whole_lie if start else 0)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{whole}")
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        self.send_header("Content-Type", "text/html" if rule == "page" else "application/octet-stream")
        if rule != "no length":
            self.send_header("Content-Length", str(1 << 40 if rule == "huge" else len(body) - start))
        self.end_headers()
        if rule == "drip body":
            return self.drip(body[start:])
        if rule == "cut" or (rule == "cut once" and not start):
            self.wfile.write(body[start : start + (0 if start else 1000)])
        else:
            self.wfile.write(body[start:])
        return None

    def drip(self, data: bytes) -> None:
        """One byte after the other, as a server does that wants to hold a client."""
        for index in range(len(data)):
            if self.server.ending.wait(0.002):
                return
            self.wfile.write(data[index : index + 1])

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    """``rules``: what happens below each folder. ``etag``: what the file's version is called, if anything."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.rules = {"a": "good"}
        self.requests: list[tuple[str, str | None]] = []
        self.etag: str | None = '"v1"'
        self.whole_lie = 0
        self.ending = threading.Event()  # until then, "silence" lasts

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that went away


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.ending.set()
        server.shutdown()
        server.server_close()
        thread.join()
