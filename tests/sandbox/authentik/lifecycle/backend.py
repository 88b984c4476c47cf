"""The application behind the router: what gunicorn and Django answer (§1.1, §2, §11)."""

import os
from collections.abc import Callable
from typing import Any

from . import flows, logs, sessions, version
from .broker import BrokerError, open_broker
from .database import Connection, DatabaseError, OperationalError, connect
from .faults import Fault, fault
from .settings import Settings
from .web import Request, Response, json_response

View = Callable[[Request], Response]

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<title>authentik</title>
<script>
window.authentik = {{ locale: "en", versionFamily: "{family}", config: {{}}, brand: {{}} }};
</script>
<script src="/static/dist/poly-{version}.js" type="module"></script>
</head>
<body><ak-flow-executor slug="{slug}"></ak-flow-executor></body>
</html>
"""


class Backend:
    """Answers what the router proxies."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sessions = sessions.open_sessions(settings)
        self._views: tuple[tuple[str, View], ...] = (
            ("/-/health/live/", self._live),
            ("/-/health/ready/", self._ready),
            ("/if/flow/", self._flow_page),
            ("/api/v3/root/config/", self._root_config),
            (flows.EXECUTOR, lambda request: flows.execute(settings, self._sessions, request)),
            ("/api/v3/core/users/me/", self._me),
            ("/api/v3/admin/version/", self._version),
        )

    def handle(self, request: Request) -> Response:
        """Answer *request*; an error becomes a 500, as Django makes it one."""
        view = next((view for path, view in self._views if request.path.startswith(path)), None)
        if view is None:
            return Response(404, b"Not Found")
        if fault() is Fault.FLOW_FAILS and "/flow" in request.path:
            return Response(500, b"Server Error (500)")
        try:
            return view(request)
        except OperationalError as error:
            logs.failure("database is away", error, logger="django.request")
            return Response(version.at(version.DATABASE_AWAY_STATUS), b"Server Error (500)")
        except (DatabaseError, BrokerError) as error:
            logs.failure(f"Internal Server Error: {request.path}", error, logger="django.request")
            return Response(500, b"Server Error (500)")

    def _live(self, _request: Request) -> Response:
        connect(self._settings).close()
        return Response(200)

    def _ready(self, _request: Request) -> Response:
        """Reach the database and, while it is needed, Redis; never look at migrations (§1.1)."""
        connect(self._settings).close()
        if version.at(version.NEEDS_REDIS):
            try:
                open_broker(self._settings).ping()
            except BrokerError:
                return Response(503)
        return Response(200)

    def _flow_page(self, request: Request) -> Response:
        slug = request.path.removeprefix("/if/flow/").strip("/")
        with connect(self._settings) as connection:
            if not flows.flow_exists(connection, slug):
                return Response(404, b"Not Found")
        full = version.read_version()
        page = PAGE.format(version=full, family=full.rsplit(".", 1)[0], slug=slug)
        return Response(200, page.encode(), "text/html; charset=utf-8")

    def _root_config(self, _request: Request) -> Response:
        return json_response(
            {
                "error_reporting": {"enabled": False},
                "capabilities": [*_media_capability(), "can_geo_ip"],
                "cache_timeout": 300,
                "cache_timeout_flows": 300,
                "cache_timeout_policies": 300,
            }
        )

    def _me(self, request: Request) -> Response:
        with connect(self._settings) as connection:
            user = self._current_user(connection, request)
        if user is None:
            return json_response({"detail": "Authentication credentials were not provided."}, 403)
        return json_response({"user": user})

    def _version(self, request: Request) -> Response:
        with connect(self._settings) as connection:
            if self._current_user(connection, request) is None:
                return json_response(
                    {"detail": "Authentication credentials were not provided."}, 403
                )
        current = version.read_version()
        return json_response(
            {
                "version_current": current,
                "version_latest": "0.0.0",
                "version_latest_valid": False,
                "build_hash": "",
                "outdated": False,
                "outpost_outdated": False,
            }
        )

    def _current_user(self, connection: Connection, request: Request) -> dict[str, Any] | None:
        """Return the user of the session cookie or of an API token, None for a stranger."""
        user_id = self._session_user(connection, request)
        kind, _, key = request.headers.get("authorization", "").partition(" ")
        if user_id is None and kind.lower() == "bearer":
            found = connection.execute(
                "SELECT user_id FROM authentik_core_token WHERE key = %s AND intent = 'api'"
                " AND (NOT expiring OR expires > now())",
                (key,),
            ).fetchone()
            user_id = found[0] if found else None
        row = connection.execute(
            "SELECT id, username, name, email, is_active FROM authentik_core_user WHERE id = %s",
            (user_id,),
        ).fetchone()
        return (
            dict(zip(("pk", "username", "name", "email", "is_active"), row, strict=True))
            if row
            else None
        )

    def _session_user(self, connection: Connection, request: Request) -> int | None:
        cookie = request.cookies.get(sessions.COOKIE, "")
        key = sessions.unsign(cookie, self._settings.secret_key)
        data = self._sessions.load(connection, key) if key else None
        return data.get("_auth_user_id") if data else None


def _media_capability() -> tuple[str, ...]:
    """Say that files can be uploaded, where the folder for them is a mount (§3)."""
    is_mounted = any(os.path.ismount(folder) for folder in version.at(version.MEDIA_MOUNTS))
    return ("can_save_media",) if is_mounted else ()
