"""What a copy of the application is started with: the live one's settings, and no way out of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Whatever names another host, a port of its own, or a password. Where in a database things lie is
# kept, since there they lie in its copy.
_DROPPED = re.compile(
    r"AUTHENTIK_(POSTGRESQL__(?!DEFAULT_SCHEMA$)|REDIS__(?!DB$)|BROKER__|RESULT_BACKEND__|CACHE__URL|CHANNEL__URL"
    r"|EMAIL__|OUTPOSTS__|LISTEN__|BOOTSTRAP_|STORAGE__|HOST|LDAP__|ERROR_REPORTING__).*"
)
_KEPT = re.compile(r"AUTHENTIK_.*|TZ")
_SECRET_KEY = "AUTHENTIK_SECRET_KEY"  # noqa: S105 - a name
_ELSEWHERE = ("file://", "env://")
_QUIET = {
    "AUTHENTIK_ERROR_REPORTING__ENABLED": "false",
    "AUTHENTIK_DISABLE_UPDATE_CHECK": "true",
    "AUTHENTIK_DISABLE_STARTUP_ANALYTICS": "true",
    "AUTHENTIK_OUTPOSTS__DISCOVER": "false",
}


@dataclass(frozen=True)
class CopiedServices:
    """Where a copy finds its database and, where it needs one, its Redis."""

    database_host: str
    database: str
    user: str
    password: str
    redis_host: str = ""


def copied_environment(live: Mapping[str, str], services: CopiedServices) -> dict[str, str]:
    """The live containers' variables with every host, port, replica and password replaced.

    A secret key that is kept in a file which the copy lacks is replaced by another: it only signs
    sessions (authentik-facts section 11).
    """
    kept = {
        name: value
        for name, value in live.items()
        if _KEPT.fullmatch(name)
        and not _DROPPED.fullmatch(name)
        and not value.startswith(_ELSEWHERE)
    }
    redis = {"AUTHENTIK_REDIS__HOST": services.redis_host} if services.redis_host else {}
    return {
        _SECRET_KEY: services.password,
        **kept,
        **_QUIET,
        **redis,
        "AUTHENTIK_POSTGRESQL__HOST": services.database_host,
        "AUTHENTIK_POSTGRESQL__PORT": "5432",
        "AUTHENTIK_POSTGRESQL__NAME": services.database,
        "AUTHENTIK_POSTGRESQL__USER": services.user,
        "AUTHENTIK_POSTGRESQL__PASSWORD": services.password,
    }


def web_path(live: Mapping[str, str]) -> str:
    """Below which path the application answers, with a slash at both ends."""
    path = live.get("AUTHENTIK_WEB__PATH", "/").strip("/")
    return f"/{path}/" if path else "/"
