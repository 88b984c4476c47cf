"""``ak server``: the router with its three ports, and the backend it starts again (§1.1, §5.3)."""

import os
import ssl
import subprocess
import threading
import time
import traceback
from http.server import ThreadingHTTPServer
from pathlib import Path

from . import http_server, logs, version
from .backend import Backend
from .faults import Fault, fault
from .migrate import run_migrations
from .settings import Settings
from .wait_for_db import wait_for_db
from .web import Request, Response

LIVE = "/-/health/live/"
LEAST_RESTART_SECONDS = 0.5
# A server that dies is well for this share of the start-up time, 20 s of 8.
GOOD_SHARE = 20 / 8
STATIC_FILES = (
    "dist/poly-{version}.js",
    "dist/assets/icons/icon.png",
    "dist/assets/icons/icon_left_brand.svg",
)


class Router:
    """What answers before Django does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._backend: Backend | None = None

    def keep_backend_alive(self) -> None:
        """Start the backend; when that fails, log it and start at once again, for ever (§5.3).

        From 2026.8 on the container ends instead.
        """
        while self._backend is None:
            try:
                self._backend = self._start_backend()
            except (Exception, SystemExit):  # noqa: BLE001  whatever ends gunicorn, the router stays
                traceback.print_exc()
                if version.at(version.SERVER_EXITS):
                    logs.event("the server has exited unexpectedly", logger="server", level="error")
                    os._exit(1)
                for text in (
                    "gunicorn process died, restarting",
                    "gunicorn failed to start, restarting",
                ):
                    logs.event(text, logger="authentik.router", level="error")
                time.sleep(LEAST_RESTART_SECONDS)

    def handle(self, request: Request) -> Response:
        """Answer *request*, or hand it to the backend."""
        if request.path.startswith("/static/"):
            return _static(request.path.removeprefix("/static/"))
        if request.path == LIVE:
            return self._live(request)
        if self._backend is None:
            return _starting()
        return self._backend.handle(request)

    def _live(self, request: Request) -> Response:
        """Say 200 whatever Django does up to 2025.10.3, later what the backend says (§1.1)."""
        without_backend = version.at(version.LIVE_WITHOUT_BACKEND)
        if without_backend is None:
            return Response(200)
        if self._backend is None or self._backend.handle(request).status >= 300:
            return Response(without_backend)
        return Response(200)

    def _start_backend(self) -> Backend:
        self._settings.pause(0.4)
        wait_for_db(self._settings)
        run_migrations(self._settings)
        if fault() in {Fault.NEVER_READY, Fault.DROPS_ROWS}:
            threading.Event().wait()
        self._settings.pause(0.5)
        return Backend(self._settings)


def serve(settings: Settings) -> None:
    """Listen on every port at once, and start the backend."""
    router = Router(settings)
    https = http_server.make_server(settings.https, router.handle)
    servers = [
        http_server.make_server(settings.http, router.handle),
        _wrap(https, settings.runtime_folder),
        http_server.make_server(settings.metrics, _metrics),
    ]
    for server in servers:
        http_server.run(server)
    logs.event("Starting HTTP server", logger="authentik.router", listen=f"{settings.http}")
    router.keep_backend_alive()
    if fault() is Fault.DIES:
        settings.pause(GOOD_SHARE)
        logs.event("the server has exited unexpectedly", logger="authentik.router", level="error")
        os._exit(1)
    threading.Event().wait()


def _starting() -> Response:
    """Say that the backend is not there yet (§1.1)."""
    retry_after = version.at(version.STARTING_RETRY_AFTER)
    return Response(
        version.at(version.STARTING_STATUS),
        b"failed to connect to authentik backend: authentik starting",
        headers={"Retry-After": retry_after} if retry_after else {},
    )


def _static(name: str) -> Response:
    """Serve a static file, with the version in a header (§2)."""
    full = version.read_version()
    header = {"X-authentik-version": full}
    if name not in {path.format(version=full) for path in STATIC_FILES}:
        return Response(404, b"404 page not found\n", headers=header)
    return Response(200, b"// stand-in\n", "text/javascript; charset=utf-8", header)


def _metrics(_request: Request) -> Response:
    text = f'authentik_version_info{{version="{version.read_version()}"}} 1\n'
    return Response(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")


def _wrap(server: ThreadingHTTPServer, folder: Path) -> ThreadingHTTPServer:
    """Put TLS with a certificate of its own in front of *server*."""
    key, certificate = folder / "standin.key", folder / "standin.crt"
    subprocess.run(
        (
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
            ),
            *("-nodes", "-days", "365", "-subj", "/CN=authentik default certificate"),
            *("-keyout", str(key), "-out", str(certificate)),
        ),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    return server
