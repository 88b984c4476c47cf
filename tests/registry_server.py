"""A strict image registry over HTTP on loopback, whose faults are switched on by a test.

It refuses what a real one would, notes every request, and says which credentials came along.
"""

import base64
import hashlib
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "goauthentik/server"
TOKEN = "token-of-an-hour"
INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_SCOPE = re.compile(r"repository:[a-z/]+:pull")
MADE = "2025-03-01T12:00:00.123456789Z"


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    authorization: str


@dataclass
class RegistryServer:
    """What it holds, and how it misbehaves.

    `challenge` is the header of its 401, "" for a registry that asks nobody who he is; `login` must
    come to the token server; `fault` may answer a request in place of the server, and says whether
    it did.
    """

    port: int = 0
    page_size: int = 1000
    challenge: str = ""
    login: str = ""
    with_etag: bool = True
    blobs_elsewhere: str = ""
    fault: "Fault" = lambda _: False
    tags: dict[str, str] = field(default_factory=dict)
    content: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def wants_tokens(self) -> None:
        """From now on as GHCR: nothing without a token, and anybody gets one."""
        realm = f"{self.url}/token"
        self.challenge = f'Bearer realm="{realm}",service="registry.test",scope="whatever:else"'

    def add(self, tag: str, *platforms: str, made: str = MADE) -> str:
        """Hold an image under *tag*, an index of *platforms* where there are any; its digest."""
        if not platforms:
            self.tags[tag] = self._image(tag, "amd64", made)
            return self.tags[tag]
        entries = [
            {
                "mediaType": MANIFEST,
                "digest": self._image(tag, platform, made),
                "size": 1,
                "platform": {"os": "linux", "architecture": platform},
            }
            for platform in platforms
        ]
        attestation = {"digest": _digest(b"x"), "platform": {"os": "unknown"}}
        self.tags[tag] = self._keep(INDEX, {"manifests": [attestation, *entries]})
        return self.tags[tag]

    def _image(self, tag: str, architecture: str, made: str) -> str:
        labels = {"org.opencontainers.image.version": f"refs/tags/version/{tag}"}
        config = {
            "os": "linux",
            "architecture": architecture,
            "created": made,
            "config": {"Labels": labels},
        }
        digest = self._keep("application/octet-stream", config)
        layers = [{"digest": _digest(b"layer"), "size": 1000}, {"size": 234}]
        manifest = {"mediaType": MANIFEST, "config": {"digest": digest, "size": 66}}
        return self._keep(MANIFEST, manifest | {"layers": layers})

    def _keep(self, kind: str, value: Any) -> str:
        body = json.dumps({"schemaVersion": 2, **value}).encode()
        self.content[_digest(body)] = (kind, body)
        return _digest(body)

    def paths(self) -> list[str]:
        return [each.path for each in self.asked]


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


Fault = Callable[["Handler"], bool]
"""Answers a request in place of the server, and says whether it did."""


class Handler(BaseHTTPRequestHandler):
    """Speaks the v2 API for one server."""

    protocol_version = "HTTP/1.1"
    holds: RegistryServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        authorization = self.headers.get("Authorization", "")
        self.holds.asked.append(Asked(self.command, self.path, authorization))
        if self.holds.fault(self):
            self.close_connection = True
            return
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if path == "/token":
            self._give_token(query, authorization)
        elif self.holds.challenge and authorization not in self._enough():
            self.send(401, b"", **{"WWW-Authenticate": self.holds.challenge})
        elif not path.startswith(f"/v2/{REPOSITORY}/"):
            self.send(404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}')
        else:
            self._give(path.removeprefix(f"/v2/{REPOSITORY}/"), query)

    def _enough(self) -> set[str]:
        return {f"Bearer {TOKEN}", self.holds.login or f"Bearer {TOKEN}"}

    def _give_token(self, query: dict[str, list[str]], authorization: str) -> None:
        scope = query.get("scope", [""])[0]
        right = query.get("service") == ["registry.test"] and _SCOPE.fullmatch(scope)
        if not right or authorization != self.holds.login:
            self.send(401, b"wrong")
        else:
            self.send(200, json.dumps({"token": TOKEN}).encode())

    def _give(self, what: str, query: dict[str, list[str]]) -> None:
        kind, _, reference = what.partition("/")
        if what == "tags/list":
            self._give_tags(query)
        elif kind == "blobs" and self.holds.blobs_elsewhere:
            self.send(307, b"", Location=f"{self.holds.blobs_elsewhere}{self.path}")
        else:
            self._give_content(kind, self.holds.tags.get(reference, reference))

    def _give_tags(self, query: dict[str, list[str]]) -> None:
        size = min(int(query["n"][0]), self.holds.page_size)
        after = query.get("last", [""])[0]
        left = sorted(tag for tag in self.holds.tags if tag > after)
        page = left[:size]
        body = json.dumps({"name": REPOSITORY, "tags": page}).encode()
        headers = {"ETag": f'"{_digest(body)}"'} if self.holds.with_etag else {}
        if len(left) > size:
            last = f"/v2/{REPOSITORY}/tags/list?n={size}&last={page[-1]}"
            headers["Link"] = f'<{last}>; rel="next"'
        if headers.get("ETag") == self.headers.get("If-None-Match", "-"):
            self.send(304, b"", **headers)
        else:
            self.send(200, body, **headers)

    def _give_content(self, kind: str, digest: str) -> None:
        found = self.holds.content.get(digest)
        if found is None:
            self.send(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}')
            return
        if kind == "manifests" and found[0] not in self.headers.get("Accept", ""):
            self.send(404, b"not accepted")
            return
        headers = {"Docker-Content-Digest": digest, "Content-Type": found[0]}
        self.send(200, found[1], **headers)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """A test looks at `asked`."""


@contextmanager
def registry_server(certificate: Path | None = None) -> Iterator[RegistryServer]:
    """Serve until the context ends, over TLS with a *certificate*, a file with its key."""
    holds = RegistryServer(scheme="https" if certificate else "http")
    handler = type("Handler", (Handler,), {"holds": holds})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    server.block_on_close = False
    holds.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield holds
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def too_often(retry_after: str) -> "Fault":
    """Answer 429."""

    def fault(request: Handler) -> bool:
        request.send(429, b"", **{"Retry-After": retry_after} if retry_after else {})
        return True

    return fault


def status(code: int) -> "Fault":
    """Answer *code* and nothing else."""

    def fault(request: Handler) -> bool:
        request.send(code, b"")
        return True

    return fault


def garbage(body: bytes, **headers: str) -> "Fault":
    """Answer 200 with *body*."""

    def fault(request: Handler) -> bool:
        request.send(200, body, **headers)
        return True

    return fault


def cut_off(request: Handler) -> bool:
    """Promise more than is sent."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    request.wfile.write(b'{"tags": ["2025')
    return True


def hang_up(request: Handler) -> bool:  # noqa: ARG001 - nothing is said
    """Close without a word."""
    return True


def trickle(request: Handler) -> bool:
    """Send a byte now and then, for ever."""
    request.send_response(200)
    request.send_header("Content-Length", "100000")
    request.end_headers()
    try:
        for _ in range(600):
            request.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        return True
    return True


def silence(request: Handler) -> bool:  # noqa: ARG001
    """Say nothing for longer than anybody waits."""
    time.sleep(3)
    return True
