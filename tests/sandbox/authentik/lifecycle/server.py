"""``ak server``: the router with its three ports, and the backend it starts again (§1.1, §5.3)."""

import ssl
import subprocess
import threading
import time
import traceback
from collections.abc import Callable
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from . import logs, version
from .backend import Backend
from .migrate import run_migrations
from .settings import Settings
from .wait_for_db import wait_for_db
from .web import Request, Response

LIVE = "/-/health/live/"
LEAST_RESTART_SECONDS = 0.5
STATIC_FILES = (
    "dist/poly-{version}.js",
    "dist/assets/icons/icon.png",
    "dist/assets/icons/icon_left_brand.svg",
)

View = Callable[[Request], Response]


class Router:
    """What answers before Django does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._backend: Backend | None = None

    def keep_backend_alive(self) -> None:
        """Start the backend; when that fails, log it and start at once again, for ever (§5.3)."""
        while self._backend is None:
            try:
                self._backend = self._start_backend()
            except (Exception, SystemExit):  # noqa: BLE001  whatever ends gunicorn, the router stays
                traceback.print_exc()
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
        self._settings.pause(0.5)
        return Backend(self._settings)


def serve(settings: Settings) -> None:
    """Listen on every port at once, and start the backend."""
    router = Router(settings)
    handler = _make_handler(router.handle)
    servers = [
        ThreadingHTTPServer(settings.http, handler),
        _wrap(ThreadingHTTPServer(settings.https, handler), settings.runtime_folder),
        ThreadingHTTPServer(settings.metrics, _make_handler(_metrics)),
    ]
    for server in servers:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
    logs.event("Starting HTTP server", logger="authentik.router", listen=f"{settings.http}")
    router.keep_backend_alive()
    threading.Event().wait()


def _make_handler(handle: View) -> type[BaseHTTPRequestHandler]:
    return type("Handler", (_Handler,), {"handle_request": staticmethod(handle)})


class _Handler(BaseHTTPRequestHandler):
    """Turns HTTP into `Request` and `Response`."""

    protocol_version = "HTTP/1.1"
    timeout = 60

    @staticmethod
    def handle_request(request: Request) -> Response:
        raise NotImplementedError

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        response = self.handle_request(
            Request(
                method=self.command,
                path=self.path.partition("?")[0],
                target=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                cookies={
                    name: morsel.value
                    for name, morsel in SimpleCookie(self.headers.get("Cookie", "")).items()
                },
                address=str(self.client_address[0]),
                body=body,
            )
        )
        self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("X-Powered-By", "authentik")
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_request(self, code: int | str = "-", _size: int | str = "-") -> None:
        if not self.path.startswith("/-/health/"):
            logs.event(
                self.path,
                logger="authentik.router",
                method=self.command,
                status=code,
                remote=self.client_address[0],
            )


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
