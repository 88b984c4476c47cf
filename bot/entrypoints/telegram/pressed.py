"""A press of a button, free of Telegram's own types."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.entrypoints.telegram.asked import Person, Place, Request

AGAIN_PREFIX = "r:"  # and the id of the job that shall be begun once more


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

    @property
    def request(self) -> Request:
        """What it asks for; one message's presses begin one job, however many they are."""
        return Request(id=f"{self.place.origin} {self.id}", place=self.place, person=self.person)
