"""What the way into a family asks of whoever runs the stack, beyond another tag.

One table, from Authentik's release notes and compose files; the section of the project's facts
about Authentik stands beside each row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.versions import Family


class Area(StrEnum):
    """Where the change is made, or looked for."""

    COMPOSE = "compose"
    ENV = ".env"
    FILES = "files"
    CHECK = "check"


@dataclass(frozen=True)
class Demand:
    """One thing to do, or to know, on the way into a family.

    A *blocking* one must hold before the new version starts; the others can wait.
    """

    area: Area
    words: str
    blocking: bool = False


_COMPOSE, _ENV, _FILES, _CHECK = Area.COMPOSE, Area.ENV, Area.FILES, Area.CHECK

DEMANDS: Mapping[Family, tuple[Demand, ...]] = {
    Family(2025, 4): (
        # facts §3 "→ 2025.4", §10: core.0046 reads the old sessions from Redis
        Demand(
            _CHECK, "Redis must run: the sessions move from it into the database", blocking=True
        ),
        Demand(_COMPOSE, "AUTHENTIK_SECRET_KEY may stand in the environment of both services"),
    ),
    Family(2025, 8): (
        # facts §3 "→ 2025.8"
        Demand(_CHECK, "tasks that still wait in Redis may be lost: the queue moves to PostgreSQL"),
        Demand(_CHECK, "the database's encoding should be UTF8"),
        Demand(
            _ENV,
            "AUTHENTIK_WORKER__CONCURRENCY is called AUTHENTIK_WORKER__THREADS now;"
            " AUTHENTIK_BROKER__* and AUTHENTIK_RESULT_BACKEND__URL are gone",
        ),
        Demand(_CHECK, "images under beryju/authentik end here: use goauthentik/server"),
    ),
    Family(2025, 10): (
        # facts §3 "→ 2025.10" and its table; §7 3, 8
        Demand(
            _COMPOSE,
            "Redis is used no more: its service, AUTHENTIK_REDIS__HOST and the depends_on go",
        ),
        Demand(_CHECK, "about half as many PostgreSQL connections more: look at max_connections"),
        Demand(_CHECK, "a TLS connection to PostgreSQL needs TLS 1.3, or 1.2 with EMS"),
    ),
    Family(2025, 12): (
        # facts §3 "→ 2025.12" and its table; §7 6, 7; §11 "Duplicate groups"
        Demand(
            _CHECK,
            "no two groups may have the same name: the migration stops at them",
            blocking=True,
        ),
        Demand(_COMPOSE, "mount ./data at /data, where ./media was at /media", blocking=True),
        Demand(_FILES, "move the folder media to data/media", blocking=True),
        Demand(_CHECK, "the URL prefix /media becomes /files"),
    ),
    Family(2026, 2): (
        # facts §3 "→ 2026.2" and its table (#19369)
        Demand(_COMPOSE, "shm_size: 512mb on server and worker"),
    ),
    Family(2026, 5): (
        # facts §3 "→ 2026.5"; §8
        Demand(_CHECK, "PostgreSQL must be 14 to 18", blocking=True),
        Demand(
            _ENV,
            "it listens on [::] by default: where IPv6 is off,"
            " set AUTHENTIK_LISTEN__HTTP=0.0.0.0:9000 and likewise for HTTPS and METRICS",
        ),
    ),
    Family(2026, 8): (
        # facts §3 "→ 2026.8" (#25559, #25675, #25607, #25352); §4: enforced in code
        Demand(
            _ENV,
            "X-Forwarded headers count only from AUTHENTIK_LISTEN__TRUSTED_PROXY_CIDRS:"
            " name your proxy there, or logins break while all looks healthy",
        ),
        Demand(_ENV, "set AUTHENTIK_WEB__BASE_URL: 2026.11 will need it"),
        Demand(_ENV, "AUTHENTIK_POSTGRESQL__CONN_OPTIONS is on its way out"),
        Demand(_CHECK, "proxy outposts that Docker manages may turn unhealthy: look at them"),
    ),
    Family(2026, 11): (
        # facts §3 "→ 2026.11 (draft)"
        Demand(_CHECK, "it does not start on a database whose encoding is not UTF8", blocking=True),
        Demand(_ENV, "AUTHENTIK_WEB__BASE_URL is required", blocking=True),
    ),
}

OUTPOSTS = Demand(
    # facts §4: server, worker and all outposts in the same version
    _CHECK,
    "outposts that run elsewhere must move to the same version",
)


def demands_into(family: Family) -> tuple[Demand, ...]:
    """What the way into *family* asks; nothing special where the table has no row."""
    return DEMANDS.get(family, ())
