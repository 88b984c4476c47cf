"""A Docker Engine of which nothing can be asked but what a stack consists of, and uses."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

_LABEL = "com.docker.compose"
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


@contextmanager
def engine_api(*services: str) -> Iterator[str]:
    """Serve a stack of *services*, all of them stopped; gives its DOCKER_HOST."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(services))
    serving = threading.Thread(target=server.serve_forever, args=[0.01])
    serving.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(services: tuple[str, ...]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            shown = _shown(services, unquote(query))
            answer = (
                _listed(shown) if path.endswith("/containers/json") else _answer(path, services)
            )
            body = json.dumps({"message": "no such thing"} if answer is None else answer).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _shown(services: tuple[str, ...], query: str) -> tuple[str, ...]:
    """Those of the project, or of it the one that is asked for."""
    if f"{_LABEL}.project" not in query:
        return ()
    _, of_one, rest = query.partition(f"{_LABEL}.service=")
    return tuple(each for each in services if not of_one or rest.startswith(f'{each}"'))


def _listed(services: tuple[str, ...]) -> list[Any]:
    return [{"Id": service, "Labels": _labels(service)} for service in services]


def _answer(path: str, services: tuple[str, ...]) -> Any:
    match path.strip("/").split("/"):
        case [*_, "version"]:
            return {"ApiVersion": "1.44", "MinAPIVersion": "1.24"}
        case [*_, "containers", service, "json"] if service in services:
            return _details(service)
        case [*_, "info"]:
            return {"MemTotal": MEMORY}
        case [*_, "containers", service, "stats"] if service in services:
            return _STATS[service]
        case [*_, "images", _, "json"]:
            return {"RepoDigests": []}
        case _:
            return None


def _labels(service: str) -> dict[str, str]:
    return {f"{_LABEL}.project": "authentik", f"{_LABEL}.service": service}


def _details(service: str) -> dict[str, Any]:
    return {
        "Id": service,
        "Name": f"/authentik-{service}-1",
        "Image": "sha256:1",
        "RestartCount": 0,
        "Config": {"Labels": _labels(service), "Image": "image:1", "Env": []},
        "State": {"Status": "exited"},
        "NetworkSettings": {"Networks": {}},
        "Mounts": [{"Source": f"/srv/{service}", "Destination": "/media"}],
    }
