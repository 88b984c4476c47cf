"""Sessions: in Redis until 2025.2, in the database from 2025.4 on, and the move (§10, §3)."""

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

from .broker import open_broker
from .database import Connection
from .settings import Settings
from .version import NEEDS_REDIS, SESSION_STORE, at

KEY_PREFIX = ":1:django.contrib.sessions.cache"
LIFETIME = timedelta(days=14)
COOKIE = "authentik_session"

Data = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Login:
    """Who logged in, and from where."""

    user_id: int
    address: str
    agent: str


class SessionStore(Protocol):
    """Where sessions live; the connection belongs to the request."""

    def load(self, connection: Connection, key: str, /) -> Data | None:
        """Return the session's data, None when there is no such session."""

    def save(
        self, connection: Connection, key: str, data: Data, login: Login | None = None, /
    ) -> None:
        """Store *data* under *key*, and *login* beside it when somebody has just logged in."""

    def delete(self, connection: Connection, key: str, /) -> None:
        """Forget the session."""


class RedisSessions:
    """Django's cached sessions, with a row in the database for each login."""

    def __init__(self, settings: Settings) -> None:
        self._redis = open_broker(settings)

    def load(self, _connection: Connection, key: str) -> Data | None:
        found = self._redis.get(KEY_PREFIX + key)
        return None if found is None else dict(json.loads(found))

    def save(
        self, connection: Connection, key: str, data: Data, login: Login | None = None
    ) -> None:
        self._redis.setex(KEY_PREFIX + key, LIFETIME, json.dumps(data))
        if login is not None:
            connection.execute(
                "INSERT INTO authentik_core_authenticatedsession (uuid, expires, expiring,"
                " session_key, last_ip, last_user_agent, last_used, user_id)"
                " VALUES (%s, %s, true, %s, %s, %s, now(), %s)",
                (uuid4(), _expiry(), key, login.address, login.agent, login.user_id),
            )

    def delete(self, _connection: Connection, key: str) -> None:
        self._redis.delete(KEY_PREFIX + key)


class DatabaseSessions:
    """``authentik.core.sessions``, 2025.4 and later."""

    def load(self, connection: Connection, key: str) -> Data | None:
        found = connection.execute(
            "SELECT session_data FROM authentik_core_session"
            " WHERE session_key = %s AND expires > now()",
            (key,),
        ).fetchone()
        return None if found is None else dict(json.loads(bytes(found[0])))

    def save(
        self, connection: Connection, key: str, data: Data, login: Login | None = None
    ) -> None:
        address, agent = (login.address, login.agent) if login else ("255.255.255.255", "")
        connection.execute(
            "INSERT INTO authentik_core_session (session_key, expires, expiring, session_data,"
            " last_ip, last_user_agent, last_used) VALUES (%s, %s, true, %s, %s, %s, now())"
            " ON CONFLICT (session_key)"
            " DO UPDATE SET session_data = excluded.session_data, last_used = excluded.last_used",
            (key, _expiry(), json.dumps(data).encode(), address, agent),
        )
        if login is not None:
            connection.execute(
                "INSERT INTO authentik_core_authenticatedsession (session_id, uuid, user_id)"
                " VALUES (%s, %s, %s)",
                (key, uuid4(), login.user_id),
            )

    def delete(self, connection: Connection, key: str) -> None:
        for table, column in (("authenticatedsession", "session_id"), ("session", "session_key")):
            connection.execute(f"DELETE FROM authentik_core_{table} WHERE {column} = %s", (key,))


def open_sessions(settings: Settings) -> SessionStore:
    """Return this version's store."""
    return RedisSessions(settings) if at(SESSION_STORE) == "redis" else DatabaseSessions()


def move_sessions_into_database(connection: Connection, settings: Settings) -> None:
    """Copy every session from Redis, which must be up (§3, 2025.4: ``core.0046``).

    An image that knows no Redis any more (§11) finds none.
    """
    if not at(NEEDS_REDIS):
        return
    print(
        "\nMigrating Redis sessions to database, this might take a couple of minutes...", flush=True
    )
    broker = open_broker(settings)
    for name in broker.scan_iter(match=f"{KEY_PREFIX}*"):
        data = broker.get(name)
        if data is None:
            continue
        key = name.decode().removeprefix(KEY_PREFIX)
        old = connection.execute(
            "SELECT uuid, user_id, last_ip, last_user_agent, last_used"
            " FROM authentik_core_oldauthenticatedsession WHERE session_key = %s",
            (key,),
        ).fetchone()
        _, _, address, agent, used = old or (None, None, "255.255.255.255", "", datetime.now(UTC))
        expires = datetime.now(UTC) + timedelta(seconds=max(broker.ttl(name), 0))
        connection.execute(
            "INSERT INTO authentik_core_session VALUES (%s, %s, true, %s, %s, %s, %s)",
            (key, expires, data, address, agent, used),
        )
        if old is not None:
            connection.execute(
                "INSERT INTO authentik_core_authenticatedsession (session_id, uuid, user_id)"
                " VALUES (%s, %s, %s)",
                (key, old[0], old[1]),
            )


def new_key() -> str:
    """Return a fresh session key, 32 characters as Django's."""
    return secrets.token_hex(16)


def sign(key: str, secret_key: str) -> str:
    """Return the cookie: signed with the secret key, so another key ends every session (§4)."""
    header = _encode({"alg": "HS256", "typ": "JWT"})
    body = f"{header}.{_encode({'sid': key, 'iss': 'authentik'})}"
    return f"{body}.{_signature(body, secret_key)}"


def unsign(cookie: str, secret_key: str) -> str | None:
    """Return the session key of a cookie that was signed with *secret_key*."""
    body, _, signature = cookie.rpartition(".")
    if not hmac.compare_digest(_signature(body, secret_key).encode(), signature.encode()):
        return None
    payload = body.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["sid"])


def _signature(body: str, secret_key: str) -> str:
    digest = hmac.new(secret_key.encode(), body.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _encode(value: Data) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _expiry() -> datetime:
    return datetime.now(UTC) + LIFETIME
