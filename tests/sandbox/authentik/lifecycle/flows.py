"""The flow executor: identification, password, redirect, with the session cookie of a real login.

On a schema of a newer version every probe stays green while the login ends in
``ak-stage-flow-error`` with HTTP 200, and a row is damaged on the way (§11, "old code on a newer
schema").
"""

import json
from typing import Any
from uuid import uuid4

from . import logs, passwords, sessions
from .database import Connection, ProgrammingError, connect
from .django_migrations import unknown_migrations
from .sessions import Data, Login, SessionStore
from .settings import Settings
from .tasks import enqueue
from .web import Request, Response, json_response

EXECUTOR = "/api/v3/flows/executor/"
FLOW_INFO = {
    "title": "Welcome to authentik!",
    "background": "/static/dist/assets/images/flow_background.jpg",
    "cancel_url": "/flows/-/cancel/",
    "layout": "stacked",
}


def execute(settings: Settings, store: SessionStore, request: Request) -> Response:
    """Answer a challenge (GET) or take a response to it (POST)."""
    slug = request.path.removeprefix(EXECUTOR).strip("/")
    try:
        with connect(settings) as connection:
            if not flow_exists(connection, slug):
                return json_response({"detail": "No Flow matches the given query."}, 404)
            return _Execution(settings, store, request, connection).answer()
    except ProgrammingError as error:
        logs.failure("Exception in flow executor", error, logger="authentik.flows.views.executor")
        return json_response({"component": "ak-stage-flow-error", "request_id": uuid4().hex})


def flow_exists(connection: Connection, slug: str) -> bool:
    """Say whether the flow is there: blueprints make it (§11)."""
    found = connection.execute("SELECT 1 FROM authentik_flows_flow WHERE slug = %s", (slug,))
    return found.fetchone() is not None


class _Execution:
    """One request to the executor, within one transaction."""

    def __init__(
        self, settings: Settings, store: SessionStore, request: Request, connection: Connection
    ) -> None:
        self._settings = settings
        self._store = store
        self._request = request
        self._connection = connection
        cookie = request.cookies.get(sessions.COOKIE, "")
        self._key = sessions.unsign(cookie, settings.secret_key)
        loaded = store.load(connection, self._key) if self._key else None
        if loaded is None:
            self._key = None
        self._data: Data = loaded or {}

    def answer(self) -> Response:
        """Run the stage that the session's plan stands at."""
        stage = self._data.get("plan", {"stage": "identification"})["stage"]
        if self._request.method != "POST":
            return self._challenge(stage)
        answer = self._request.json()
        if stage == "identification":
            return self._identify(str(answer.get("uid_field", "")))
        return self._check_password(str(answer.get("password", "")))

    def _identify(self, name: str) -> Response:
        if not name:
            return self._challenge("identification", {"uid_field": "This field may not be blank."})
        # Whether the user exists is not told before the password.
        self._data["plan"] = {"stage": "password", "pending_user": name}
        return self._redirect_to_self()

    def _check_password(self, password: str) -> Response:
        name = self._data["plan"]["pending_user"]
        found = self._connection.execute(
            "SELECT id, password FROM authentik_core_user"
            " WHERE (username = %s OR email = %s) AND is_active ORDER BY id LIMIT 1",
            (name, name),
        ).fetchone()
        if found is None or not passwords.is_password(password, found[1]):
            self._record("login_failed", {"username": name, "stage": {"name": "password"}}, {})
            return self._challenge("password", {"password": "Failed to authenticate."})
        self._meet_newer_schema(found[0])
        return self._log_in(found[0], name)

    def _meet_newer_schema(self, user_id: int) -> None:
        """Damage the user's row, then fail as SQL fails on a column that is gone (§5.5, §11)."""
        unknown = unknown_migrations(self._connection)
        if not unknown:
            return
        self._connection.execute(
            "UPDATE authentik_core_user SET attributes = '{}', path = '' WHERE id = %s", (user_id,)
        )
        self._connection.commit()
        column = "before_" + unknown[-1].split(".", 1)[1]
        self._connection.execute(f'SELECT authentik_core_user."{column}" FROM authentik_core_user')

    def _log_in(self, user_id: int, name: str) -> Response:
        if self._key is not None:
            self._store.delete(self._connection, self._key)
        self._key = sessions.new_key()
        self._data = {"_auth_user_id": user_id}
        agent = self._request.headers.get("user-agent", "")
        login = Login(user_id=user_id, address=self._request.address, agent=agent)
        self._store.save(self._connection, self._key, self._data, login)
        self._connection.execute(
            "UPDATE authentik_core_user SET last_login = now() WHERE id = %s", (user_id,)
        )
        self._record("login", {"auth_method": "password"}, {"pk": user_id, "username": name})
        challenge = {"component": "xak-flow-redirect", "to": "/"}
        return json_response(challenge, headers=self._cookie())

    def _record(self, action: str, context: Data, user: Data) -> None:
        self._connection.execute(
            "INSERT INTO authentik_events_event (event_uuid, action, app, context, client_ip,"
            ' created, "user", expires, expiring, brand) VALUES (%s, %s, %s, %s, %s, now(), %s,'
            " now() + interval '365 days', true, '{}')",
            (
                uuid4(),
                action,
                "authentik.events.signals",
                json.dumps(context),
                self._request.address,
                json.dumps(user),
            ),
        )
        enqueue(self._settings, self._connection, f"event_notification_handler {action}")

    def _challenge(self, stage: str, errors: dict[str, str] | None = None) -> Response:
        self._data.setdefault("plan", {"stage": stage})
        self._save()
        challenge: dict[str, Any] = {"flow_info": FLOW_INFO, "component": f"ak-stage-{stage}"}
        if stage == "identification":
            challenge |= {"user_fields": ["email", "username"], "primary_action": "Log in"}
        else:
            challenge |= {
                "pending_user": self._data["plan"]["pending_user"],
                "allow_show_password": False,
            }
        if errors:
            challenge["response_errors"] = {
                field: [{"string": text, "code": "invalid"}] for field, text in errors.items()
            }
        return json_response(challenge, headers=self._cookie())

    def _redirect_to_self(self) -> Response:
        """Redirect to the executor itself: the client then asks for the next challenge."""
        self._save()
        return Response(302, headers={"Location": self._request.target} | self._cookie())

    def _save(self) -> None:
        self._key = self._key or sessions.new_key()
        self._store.save(self._connection, self._key, self._data)

    def _cookie(self) -> dict[str, str]:
        value = sessions.sign(self._key or "", self._settings.secret_key)
        return {"Set-Cookie": f"{sessions.COOKIE}={value}; HttpOnly; Path=/; SameSite=Lax"}
