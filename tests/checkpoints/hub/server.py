"""A hub on this machine: what huggingface_hub asks one for, and the lies that a server may tell.

Large files (``.safetensors``, ``.bin``) lie at a second host, as they do at real hubs, to which the token must not go.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE = (".safetensors", ".bin")
TOKEN = "hf_" + "t" * 34


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_hash(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


@dataclass
class Repository:
    """Files by commit, and what branches and tags point to."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    private: bool = False
    gated: bool = False

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        made = hashlib.sha1(repr((sorted(files.items()), len(self.commits))).encode()).hexdigest()
        self.commits[made] = dict(files)
        self.refs[ref] = made
        return made

    def at(self, revision: str) -> str | None:
        found = self.refs.get(revision, revision)
        return found if found in self.commits else None


class Host(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, hub: Hub, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.hub = hub

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that went away


@dataclass
class Hub:
    """The repositories, what was asked (method, path, token or None; host), and the lies.

    ``lies``: ``bytes`` {file: other bytes}; ``listed`` more names of files; ``commit`` what is said in answers;
    ``etag`` of files; ``to`` where large files are said to lie.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)
    asked_large: list[tuple[str, str, str | None]] = field(default_factory=list)
    large: dict[str, bytes] = field(default_factory=dict)
    lies: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    url_large: str = ""

    def put(self, name: str, files: dict[str, bytes], ref: str = "main") -> str:
        return self.repositories.setdefault(name, Repository()).commit(files, ref)


class Handler(BaseHTTPRequestHandler):
    """The hub's own host."""

    protocol_version = "HTTP/1.1"
    server: Host

    @property
    def hub(self) -> Hub:
        return self.server.hub

    @property
    def token(self) -> str | None:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ") or None

    def log_message(self, *args: object) -> None:
        pass

    def note(self, to: list[tuple[str, str, str | None]]) -> None:
        to.append((self.command, self.path, self.token))

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            data = b""
            while size := int(self.rfile.readline(), 16):
                data += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return data
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, data: Any = b"", status: int = 200, **headers: str) -> None:
        raw = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("Content_Length", str(len(raw))))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def refuse(self, status: int, code: str, message: str = "") -> None:
        self.answer({"error": message or code}, status, X_Error_Code=code, X_Error_Message=message or code)

    def allowed(self, name: str) -> Repository | None:
        found = self.hub.repositories.get(name)
        if found is None or (found.private and self.token != TOKEN):
            self.refuse(401, "RepoNotFound")
            return None
        return found

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.note(self.hub.asked)
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        if parts[:2] == ["api", "models"]:
            return self.listing("/".join(parts[2:4]), parts[5] if len(parts) > 5 else "main")
        if len(parts) > 4 and parts[2] == "resolve":
            return self.file("/".join(parts[:2]), parts[3], "/".join(parts[4:]))
        return self.refuse(404, "EntryNotFound")

    def listing(self, name: str, revision: str) -> None:
        found = self.allowed(name)
        if found is None:
            return None
        commit = found.at(revision)
        if commit is None:
            return self.refuse(404, "RevisionNotFound")
        siblings: list[dict[str, Any]] = []
        for file, data in found.commits[commit].items():
            entry: dict[str, Any] = {"rfilename": file, "size": len(data), "blobId": git_hash(data)}
            if file.endswith(LARGE):
                entry["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 130}
            siblings.append(entry)
        siblings += [{"rfilename": file, "size": 1, "blobId": "0" * 40} for file in self.hub.lies.get("listed", ())]
        about = {"_id": "1", "id": name, "modelId": name, "sha": self.hub.lies.get("commit", commit)}
        return self.answer({**about, "siblings": siblings, "gated": "auto" if found.gated else False})

    def file(self, name: str, revision: str, file: str) -> None:
        found = self.allowed(name)
        if found is None:
            return None
        if found.gated and self.token != TOKEN:
            return self.refuse(
                401 if self.token is None else 403, "GatedRepo", f"Access to model {name} is restricted."
            )
        commit = found.at(revision)
        if commit is None:
            return self.refuse(404, "RevisionNotFound")
        data = found.commits[commit].get(file)
        if data is None:
            return self.refuse(404, "EntryNotFound")
        lies = self.hub.lies
        told = {"X_Repo_Commit": lies.get("commit", commit)}
        etag = lies.get("etag", sha256(data) if file.endswith(LARGE) else git_hash(data))
        data = lies.get("bytes", {}).get(file, data)
        if not file.endswith(LARGE):
            return self.answer(data, ETag=f'"{etag}"', **told)
        self.hub.large[sha256(data)] = data
        where = lies.get("to") or f"{self.hub.url_large}/{sha256(data)}"
        linked = {"X_Linked_ETag": f'"{etag}"', "X_Linked_Size": str(len(data)), "Location": where}
        return self.answer(status=302, **told, **linked)

    def do_POST(self) -> None:
        self.note(self.hub.asked)
        path, body = urlsplit(self.path).path, self.body()
        if path == "/api/validate-yaml":
            return self.answer({"errors": [], "warnings": []})
        if self.token != TOKEN:
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}"
            if asked["organization"] == "others":
                return self.refuse(403, "", "You don't have the rights to create a model under the namespace 'others'")
            if name in self.hub.repositories:
                return self.answer({"error": "You already created this model repo"}, 409)
            self.hub.put(name, {".gitattributes": b"*.safetensors filter=lfs\n"})
            self.hub.repositories[name].private = asked.get("visibility") == "private"
            return self.answer({"url": f"{self.hub.url}/{name}"})
        if path.endswith("/info/lfs/objects/batch"):
            objects = []
            for asked in json.loads(body)["objects"]:
                upload = {"href": f"{self.hub.url_large}/{asked['oid']}", "header": {}}
                objects.append({**asked, "actions": {"upload": upload}})
            return self.answer({"transfer": "basic", "objects": objects})
        parts = [unquote(part) for part in path.strip("/").split("/")]
        name, action, revision = "/".join(parts[2:4]), parts[4], parts[5]
        if action == "preupload":
            asked_files = json.loads(body)["files"]
            modes = [{"path": f["path"], "shouldIgnore": False} for f in asked_files]
            for mode in modes:
                mode["uploadMode"] = "lfs" if mode["path"].endswith(LARGE) else "regular"
            return self.answer({"files": modes})
        return self.committed(name, revision, body)

    def committed(self, name: str, revision: str, body: bytes) -> None:
        repository = self.hub.repositories[name]
        files = dict(repository.commits[repository.refs[revision]])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            elif line["key"] == "deletedFile":
                files.pop(value["path"])
        made = repository.commit(files, revision)
        return self.answer({"success": True, "commitOid": made, "commitUrl": f"{self.hub.url}/{name}/commit/{made}"})


class LargeHandler(Handler):
    """The host where large files lie."""

    def do_GET(self) -> None:
        self.note(self.hub.asked_large)
        data = self.hub.large.get(self.path.strip("/"))
        return self.refuse(404, "") if data is None else self.answer(data)

    def do_PUT(self) -> None:
        self.note(self.hub.asked_large)
        self.hub.large[self.path.strip("/")] = self.body()
        self.answer()


@contextmanager
def hub() -> Iterator[Hub]:
    made = Hub()
    hosts = [Host(made, Handler), Host(made, LargeHandler)]
    made.url = hosts[0].url
    made.url_large = hosts[1].url.replace("127.0.0.1", "localhost")  # hosts are told apart by name, not by port
    threads = [threading.Thread(target=host.serve_forever, args=(0.01,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        for host, thread in zip(hosts, threads, strict=True):
            host.shutdown()
            host.server_close()
            thread.join()
