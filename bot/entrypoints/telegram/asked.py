"""What a person asked for, and where: free of Telegram's own types, and able to be written down."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from bot.domain.jobs import Trigger
from bot.domain.orders import Order, OrderKind
from bot.domain.origin import chat_words, read_origin

_ACTOR = re.compile(r"(.*) \((\d{1,20})\)")
_LONGEST_NAME = 40
_LONGEST_TEXT = 120


@dataclass(frozen=True, kw_only=True)
class Place:
    """A message of a person: in which chat and topic it stands, and its number there.

    *bot* is the number of the bot that it was sent to: another one numbers its messages anew.
    """

    bot: int
    chat: int
    thread: int | None
    message_id: int

    @property
    def origin(self) -> str:
        """The place as a job carries it, so that its outcome is told there."""
        return f"telegram:{self.bot}:{self.chat}:{self.thread or 0}:{self.message_id}"

    @property
    def is_group(self) -> bool:
        """Groups and supergroups have negative numbers."""
        return self.chat < 0

    @property
    def words(self) -> str:
        """The chat and the topic, for the log."""
        return chat_words(self.chat, self.thread)


def parse_origin(origin: str) -> Place | None:
    """The place that an origin begins with; None where a job came from elsewhere."""
    found = read_origin(origin)
    if found is None:
        return None
    return Place(bot=found.bot, chat=found.chat, thread=found.topic, message_id=found.message)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever wrote or pressed; the name is theirs to choose, only the number is proof."""

    id: int
    name: str

    @property
    def actor(self) -> str:
        """As jobs and manifests name them."""
        return f"{one_line(self.name, _LONGEST_NAME) or 'somebody'} ({self.id})"


def person_of(actor: str) -> Person | None:
    """The person whose actor that is; None for anything else."""
    found = _ACTOR.fullmatch(actor)
    return Person(id=int(found[2]), name=found[1]) if found else None


@dataclass(frozen=True, kw_only=True)
class Request:
    """Something that was asked for, and that is done once.

    *id* names it for good; its first word is the origin of the job that it begins.
    """

    id: str
    place: Place
    person: Person

    @property
    def origin(self) -> str:
        """As the job carries it."""
        return origin_of(self.id)

    def order(self, kind: OrderKind, label: str, now: datetime) -> Order:
        """The order that it is, about *label*; the same one if it is carried out again."""
        return Order(
            id=self.id,
            kind=kind,
            trigger=Trigger.CHAT,
            actor=self.person.actor,
            started=now,
            origin=self.origin,
            label=label,
        )


def origin_of(request_id: str) -> str:
    """The origin of the job that a request begins."""
    return request_id.partition(" ")[0]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A command of a person; *text* is one line, the slash included.

    *accepted* is the question that offered it again, "" for one that was not.
    """

    place: Place
    person: Person
    text: str
    sent: datetime
    accepted: str = ""

    @property
    def request(self) -> "Request":
        """What it asks for: once as it was sent, and once more for each offer that was accepted."""
        origin = f"{self.place.origin}:{self.accepted}" if self.accepted else self.place.origin
        return Request(id=origin, place=self.place, person=self.person)

    @property
    def command(self) -> str:
        """The command's name, without slash and address."""
        return self.text.split(maxsplit=1)[0].removeprefix("/").partition("@")[0].lower()

    @property
    def address(self) -> str:
        """The bot that the command names, in lower case, "" for none."""
        return self.text.split(maxsplit=1)[0].partition("@")[2].lower()

    @property
    def words(self) -> str:
        """What follows the command."""
        return " ".join(self.text.split()[1:])

    def line(self) -> str:
        """The command in one line; `from_line` reads it."""
        return f"{self.place.origin} {self.sent.timestamp():.0f} {self.text}"

    @classmethod
    def from_line(cls, line: str, person: Person, accepted: str = "") -> Self:
        """Read what `line` wrote of a command of *person*."""
        origin, sent, text = line.split(" ", 2)
        place = parse_origin(origin)
        if place is None:
            raise ValueError(f'"{origin}" is not a place in a chat')
        moment = datetime.fromtimestamp(int(sent), UTC)
        return cls(place=place, person=person, text=text, sent=moment, accepted=accepted)


def command_text(text: str) -> str:
    """The text of a command as it is kept: one line, not too long."""
    return one_line(text, _LONGEST_TEXT)


def one_line(text: str, longest: int) -> str:
    """*text* with every run of blanks, breaks and control characters as one blank, and cut."""
    printable = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(printable.split())[:longest].rstrip()
