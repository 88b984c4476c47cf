"""A press of a button, free of Telegram's own types."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.entrypoints.telegram.asked import Person, Place


@dataclass(frozen=True, kw_only=True)
class Press:
    """Who pressed what, where.

    *is_young*: it surely was made just now; any other must not set anything going. *toast* shows
    the person a few words, if there still is time to.
    """

    id: str
    person: Person
    place: Place
    data: str
    is_young: bool
    toast: Callable[[str], Awaitable[None]]
