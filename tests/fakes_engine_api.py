"""A Docker Engine of which nothing can be asked but what a stack consists of, and uses."""

import json
import re
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote

_LABEL = "com.docker.compose"
_STARTED = "2026-11-24T12:00:00.123456789Z"
MEMORY = 8_000_000_000  # bytes of the host
_STATS = {
    "postgresql": {
        "memory_stats": {
            "usage": 400_000_000,
            "limit": MEMORY,
            "stats": {"inactive_file": 300_000_000, "active_file": 50_000_000},
        }
    },
    "server": {  # of an older kernel
        "memory_stats": {
            "usage": 700_000_000,
            "limit": 1_000_000_000,
            "stats": {"total_inactive_file": 100_000_000, "inactive_file": 1},
        }
    },
    "worker": {"memory_stats": {}},  # it has just stopped
}


Events = Callable[[str], Iterator[bytes]]
"""The lines of the Engine's stream, for one who asks since a moment, "" for from now on."""


@dataclass(frozen=True)
class Made:
    """How containers were made, by their service."""

    variables: Mapping[str, Sequence[str]] = field(default_factory=dict)
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)


PLAIN = Made()


@contextmanager
def engine_api(
    *services: str,
    running: Collection[str] = (),
    events: Events = lambda _: iter(()),
    made: Made = PLAIN,
) -> Iterator[str]:
    """Serve a stack of *services*, stopped but for those *running*; gives its DOCKER_HOST.

    One of several containers of a service is named with its number, as `worker-2`.
    None can be started, nor anything done in one.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(services, running, events, made))
    serving = threading.Thread(target=server.serve_forever, args=[0.01])
    serving.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(
    services: tuple[str, ...], running: Collection[str], events: Events, made: Made
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            if path.endswith("/events"):
                self._stream(parse_qs(query).get("since", [""])[0])
                return
            shown = _asked_for(services, unquote(query))
            answer = (
                _listed(shown, running)
                if path.endswith("/containers/json")
                else _answer(path, services, running, made)
            )
            if answer is None:
                self._send(404, {"message": "no such thing"})
            else:
                self._send(200, answer)

        def _stream(self, since: str) -> None:
            self.send_response(200)
            self.end_headers()
            for line in events(since):
                self.wfile.write(line)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._send(500, {"message": "no space left on device"})

        def _send(self, status: int, answer: Any) -> None:
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _asked_for(services: tuple[str, ...], query: str) -> tuple[str, ...]:
    if f"{_LABEL}.project" not in query:
        return ()
    name = re.search(rf"{_LABEL}\.service=(\w+)", query)
    return tuple(each for each in services if name is None or each == name[1])


def _listed(services: tuple[str, ...], running: Collection[str]) -> list[Any]:
    return [
        {
            "Id": service,
            "Labels": _labels(service),
            "Image": f"ghcr.io/goauthentik/{service}:2025.2.1",
            "State": _state(service, running),
        }
        for service in services
    ]


def _state(service: str, running: Collection[str]) -> str:
    return "running" if service in running else "exited"


def _answer(path: str, services: tuple[str, ...], running: Collection[str], made: Made) -> Any:
    match path.strip("/").split("/"):
        case [*_, "version"]:
            return {"ApiVersion": "1.44", "MinAPIVersion": "1.24"}
        case [*_, "containers", service, "json"] if service in services:
            return _details(service, _state(service, running), made)
        case [*_, "info"]:
            return {"MemTotal": MEMORY}
        case [*_, "containers", service, "stats"] if service in services:
            return _STATS[service]
        case [*_, "images", _, "json"]:
            return {"RepoDigests": []}
        case _:
            return None


def _labels(name: str) -> dict[str, str]:
    service, _, number = name.rpartition("-")
    return {
        f"{_LABEL}.project": "authentik",
        f"{_LABEL}.service": service or name,
        f"{_LABEL}.container-number": number if service else "1",
    }


def _details(service: str, status: str, made: Made) -> dict[str, Any]:
    aliases = made.aliases.get(service)
    networks = {"default": {"IPAddress": "", "Aliases": [*aliases]}} if aliases else {}
    return {
        "Id": service,
        "Name": f"/authentik-{service}-1",
        "Image": "sha256:1",
        "RestartCount": 0,
        "Config": {
            "Labels": _labels(service),
            "Image": "image:1",
            "Env": [*made.variables.get(service, ())],
        },
        "State": {"Status": status, "ExitCode": 0, "OOMKilled": False, "StartedAt": _STARTED},
        "NetworkSettings": {"Networks": networks},
        "Mounts": [{"Source": f"/srv/{service}", "Destination": "/media"}],
    }
