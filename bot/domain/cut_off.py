"""Containers that live in the network of server or worker, and lose it when those go."""

from collections.abc import Sequence

from bot.domain.errors import RefusedError
from bot.domain.rollback import NOT_BACK


def cut_off_words(name: str) -> str:
    """What would become of the guest of that *name*."""
    return (
        f'"{name}" lives in the network of server or worker (network_mode), which are removed and'
        " created anew: it would be cut off"
    )


def cut_off_remedy(name: str, serves: str) -> str:
    """What to do about it; *serves* is the moment from which on it can be started again."""
    return (
        "Put it into a network of its own and let it ask the server by its name; or stop it, and"
        f" once {serves}: docker compose up -d --force-recreate {name}"
    )


def require_no_guests(guests: Sequence[str]) -> None:
    """Raises RefusedError where a rollback would cut somebody off."""
    if guests:
        raise RefusedError(
            f"{'; '.join(map(cut_off_words, guests))}. {NOT_BACK}",
            hint=cut_off_remedy(guests[0], "the version before serves"),
        )
