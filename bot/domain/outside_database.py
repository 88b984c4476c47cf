"""How a PostgreSQL is reached that is no container of the stack: as Authentik's server is told."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

MAINTENANCE = "postgres"
"""The database from which others are made, renamed and dropped, where no setting names another."""

_PREFIX = "AUTHENTIK_POSTGRESQL__"
_REFERENCE = re.compile(r"(env|file)://([^?]+)(?:\?(.*))?", re.DOTALL)
_TLS_FILES = {"SSLROOTCERT": "PGSSLROOTCERT", "SSLCERT": "PGSSLCERT", "SSLKEY": "PGSSLKEY"}
_LINE_END = re.compile(r"[\r\n]+$")


@dataclass(frozen=True)
class DatabaseSettings:
    """What a person said of the database; "" for what Authentik's server is told.

    *image* is that of the client's container, "" for PostgreSQL's own of the server's version.
    """

    host: str = ""
    port: str = ""
    user: str = ""
    name: str = ""
    password: str = field(default="", repr=False)
    image: str = ""
    maintenance: str = MAINTENANCE


PLAIN = DatabaseSettings()


@dataclass(frozen=True)
class Connection:
    """What libpq is told.

    *password_file* is a file of the server's container, where the password is in one. *variables*
    are of TLS, *files* those of them that name a file of the server's container.
    """

    host: str
    port: str
    user: str
    database: str
    password: str = field(default="", repr=False)
    password_file: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def connection_of(server: Mapping[str, str], given: DatabaseSettings = PLAIN) -> Connection:
    """Read the *server*'s variables; what is *given* goes before them."""
    password = given.password or _told(server, "PASSWORD")
    reference = _REFERENCE.fullmatch(password)
    in_file = reference and reference[1] == "file"
    tls = {variable: _told(server, name) for name, variable in _TLS_FILES.items()}
    mode = _told(server, "SSLMODE")
    return Connection(
        host=given.host or _told(server, "HOST") or "localhost",
        port=given.port or _told(server, "PORT") or "5432",
        user=given.user or _told(server, "USER") or "authentik",
        database=given.name or _told(server, "NAME") or "authentik",
        password="" if in_file else password,
        password_file=reference[2] if reference and in_file else "",
        variables={
            **({"PGSSLMODE": mode} if mode else {}),
            **{name: value for name, value in tls.items() if value and value[0] != "/"},
        },
        files={name: path for name, path in tls.items() if path.startswith("/")},
    )


def host_of(server: Mapping[str, str]) -> str:
    """Where the *server*'s variables have the database, "" where they do not say."""
    return _told(server, "HOST")


def role_of(server: Mapping[str, str]) -> str:
    """Which role the *server*'s variables name, "" where they do not, or point to a file."""
    role = _told(server, "USER")
    return "" if _REFERENCE.fullmatch(role) else role


def _told(server: Mapping[str, str], name: str) -> str:
    value = server.get(_PREFIX + name, "")
    found = _REFERENCE.fullmatch(value)
    if found and found[1] == "env":
        return server.get(found[2]) or found[3] or ""
    return value


def password_file(password: str) -> bytes:
    """A file for libpq's PGPASSFILE that has *password* for whatever is asked for."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    return f"*:*:*:*:{escaped}\n".encode()


def password_in(content: bytes) -> str:
    """What Authentik takes for the password of a file's *content*."""
    return _LINE_END.sub("", content.decode(errors="replace"))
