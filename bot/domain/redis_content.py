"""What Authentik keeps in Redis, by its version, and so what people lose with it."""

from enum import StrEnum

from bot.domain.restore import SessionsDo
from bot.domain.versions import Family, read_tag

_SESSIONS_IN_DATABASE = Family(2025, 4)
_TASKS_IN_DATABASE = Family(2025, 8)
_WITHOUT_REDIS = Family(2025, 10)


class Held(StrEnum):
    """What of it people would miss; the caches are made anew."""

    LOGINS = "logins"  # all of them, half-done flows and queued tasks
    FORWARD_AUTH_AND_TASKS = "forward auth and tasks"
    FORWARD_AUTH = "forward auth"  # the sessions of the embedded outpost
    NOTHING = "nothing"


_LOST = {
    Held.LOGINS: "people must log in again",
    Held.FORWARD_AUTH_AND_TASKS: (
        "whoever came in by forward auth must do so again, and queued tasks are lost"
    ),
    Held.FORWARD_AUTH: "whoever came in by forward auth must do so again",
}
_BACK = {
    Held.LOGINS: "who was logged in then is so again",
    Held.FORWARD_AUTH_AND_TASKS: "so are forward-auth logins and queued tasks",
    Held.FORWARD_AUTH: "so are forward-auth logins",
}


def held_in_redis(version: str | None) -> Held:
    """Authentik of that version; one that is not known has the most to lose (facts §10)."""
    known = read_tag(version or "")
    if known is None or known.family < _SESSIONS_IN_DATABASE:
        return Held.LOGINS
    if known.family < _TASKS_IN_DATABASE:
        return Held.FORWARD_AUTH_AND_TASKS
    return Held.FORWARD_AUTH if known.family < _WITHOUT_REDIS else Held.NOTHING


def not_put_back(version: str | None, why: str) -> str:
    """Of a way back to *version* on which Redis stays as it is."""
    held = held_in_redis(version)
    if held is Held.NOTHING:
        return f"Redis could not be put back, which Authentik {version} does not use: {why}"
    return f"{_LOST[held]}, since Redis could not be put back: {why}"


def redis_words(does: SessionsDo, version: str | None) -> str:
    """What becomes of Redis where *version* is to serve, as a sentence; "" where it stays."""
    held = held_in_redis(version)
    unused = f", which Authentik {version} does not use" if held is Held.NOTHING else ""
    match does:
        case SessionsDo.LEAVE:
            return ""
        case SessionsDo.FLUSH:
            lost = unused or f", so {_LOST[held]}"
            return f"Redis is emptied{lost}; what it holds is kept aside."
        case SessionsDo.LOAD:
            back = unused or f": {_BACK[held]}"
            return f"Redis is loaded as it was then{back}."
