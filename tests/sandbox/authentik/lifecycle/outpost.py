"""``ak outpost``: a proxy outpost. The real image has a program of its own for its ping."""

import threading

from . import http_server, logs, version
from .settings import Settings
from .web import Request, Response

PING = "/outpost.goauthentik.io/ping"


def serve(settings: Settings) -> None:
    """Answer the ping from now on; it asks the server for nothing that it is to guard."""
    server = http_server.make_server(settings.http, _answer)
    http_server.run(server)
    logs.event("Starting HTTP server", logger="authentik.outpost", version=version.read_version())
    threading.Event().wait()


def _answer(request: Request) -> Response:
    return Response(204 if request.path == PING else 404)
