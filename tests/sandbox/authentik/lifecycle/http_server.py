"""HTTP in, `Request` out, and the `Response` back."""

from collections.abc import Callable
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from . import logs
from .web import Request, Response

View = Callable[[Request], Response]


def make_server(address: tuple[str, int], view: View) -> ThreadingHTTPServer:
    """Listen on *address*; nothing is answered before `run`."""
    return ThreadingHTTPServer(
        address, type("Handler", (_Handler,), {"handle_request": staticmethod(view)})
    )


def run(server: ThreadingHTTPServer) -> None:
    """Answer in the background, as long as the process lives."""
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()


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
