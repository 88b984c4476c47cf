"""A press of a button, free of Telegram's own types."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.domain.backup_id import parse_backup_id
from bot.domain.stack import Role
from bot.entrypoints.telegram.asked import Person, Place, Request

AGAIN_PREFIX = "r:"  # and the id of the job that shall be begun once more
DEED_PREFIX = "b:"
ROLLBACK = "rollback"
"""What is typed where taking an update back loses rows."""
RESTORE = "restore"
"""What is typed where a restore, or taking one back, loses rows."""


class Deed(StrEnum):
    """What a button does with a backup or with a job; UPDATE without one is to the newest version.

    BACKUP makes one. ROLLBACK takes the update back that the job was, SAID shows what its
    containers said, WHY all that is known of how it went. LOG shows the last lines of a container.
    JOBS turns a message into the list of jobs, ALL_JOBS writes the list as a new one.
    """

    PAGE = "l"
    SHOW = "s"
    BACKUP = "b"
    VERIFY = "v"
    DRILL = "d"
    PIN = "p"
    UNPIN = "u"
    RESTORE = "r"
    UNDO = "t"
    UPDATE = "g"
    ROLLBACK = "k"
    SAID = "e"
    STATUS = "h"
    JOBS = "a"
    ALL_JOBS = "n"
    JOB = "j"
    WHY = "f"
    LOG = "w"


@dataclass(frozen=True)
class DeedData:
    """What such a button carries; *page* is that of the list from which it was reached.

    Of LOG, *what* is the role of a service and *page* how many lines.
    """

    deed: Deed
    what: str = ""
    page: int = 0

    def line(self) -> str:
        """As the button carries it."""
        return f"{DEED_PREFIX}{self.deed}:{self.what}:{self.page}"

    @classmethod
    def read(cls, data: str) -> "DeedData":
        """Read what `line` wrote. Raises ValueError for anything else: people can send any data."""
        name, what, page = data.removeprefix(DEED_PREFIX).split(":")
        deed = Deed(name)
        if deed is Deed.LOG:
            return cls(deed, Role(what).value, int(page))
        return cls(deed, parse_backup_id(what) if what else "", int(page))


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

    @property
    def own_request(self) -> Request:
        """What it asks for, where each press under one message asks anew."""
        origin = f"{self.place.origin}:{self.id}"
        return Request(id=origin, place=self.place, person=self.person)
