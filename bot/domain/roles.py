"""Who may do what in a chat, and in which chats: one table, and nothing else decides.

A person is known by the number alone. Whoever stands in several lists has the highest of the roles.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum

from bot.domain.jobs import TAKE_SERVER_AWAY, JobKind


class ChatRole(IntEnum):
    """Each may do what those before it may."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Act(StrEnum):
    """What can be asked for in a chat; the value is the command's name."""

    HELP = "help"
    STATUS = "status"
    BACKUPS = "backups"
    JOBS = "jobs"
    LOGS = "logs"
    VERSION = "version"
    SCHEDULE = "schedule"
    REPORT = "report"
    BACKUP = "backup"
    VERIFY = "verify"
    DRILL = "drill"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    MUTE = "mute"
    PIN = "pin"
    UNPIN = "unpin"
    RESTORE = "restore"
    UPDATE = "update"
    ROLLBACK = "rollback"


NEEDED: Mapping[Act, ChatRole] = {
    Act.HELP: ChatRole.VIEWER,
    Act.STATUS: ChatRole.VIEWER,
    Act.BACKUPS: ChatRole.VIEWER,
    Act.JOBS: ChatRole.VIEWER,
    Act.LOGS: ChatRole.VIEWER,
    Act.VERSION: ChatRole.VIEWER,
    Act.SCHEDULE: ChatRole.VIEWER,
    Act.REPORT: ChatRole.VIEWER,
    Act.BACKUP: ChatRole.OPERATOR,
    Act.VERIFY: ChatRole.OPERATOR,
    Act.DRILL: ChatRole.OPERATOR,
    Act.CANCEL: ChatRole.OPERATOR,
    Act.PAUSE: ChatRole.OPERATOR,
    Act.RESUME: ChatRole.OPERATOR,
    Act.MUTE: ChatRole.OPERATOR,
    Act.PIN: ChatRole.ADMIN,
    Act.UNPIN: ChatRole.ADMIN,
    Act.RESTORE: ChatRole.ADMIN,
    Act.UPDATE: ChatRole.ADMIN,
    Act.ROLLBACK: ChatRole.ADMIN,
}
"""The least role that may do it: to look harms nobody, to work changes nothing that serves."""

HARMLESS_TO_CANCEL = frozenset(JobKind) - TAKE_SERVER_AWAY
"""Jobs while whose work Authentik serves on, so that their end is nobody's loss."""


def may(role: ChatRole | None, act: Act) -> bool:
    """Whether somebody of that role, None for a stranger, may do it."""
    return role is not None and role >= NEEDED[act]


def may_cancel(role: ChatRole | None) -> Collection[JobKind]:
    """The jobs that somebody of that role may stop."""
    if role is ChatRole.ADMIN:
        return frozenset(JobKind)
    return HARMLESS_TO_CANCEL if may(role, Act.CANCEL) else frozenset()


def who_may(act: Act) -> str:
    """In words: `admins`, `operators and admins`."""
    return " and ".join(f"{role.word}s" for role in ChatRole if role >= NEEDED[act])


GENERAL_TOPIC = 1
"""The topic that every forum begins with; messages in it name none."""
_PLACE = re.compile(r"(-[1-9][0-9]{0,15})(?:/([1-9][0-9]{0,9}))?")


@dataclass(frozen=True)
class ChatPlace:
    """A chat, or with *topic* that part of a group alone."""

    chat: int
    topic: int | None = None

    def has(self, chat: int, topic: int | None) -> bool:
        """Whether what is said in that chat and topic, None for none, is said here."""
        return self.chat == chat and self.topic in {None, topic or GENERAL_TOPIC}

    @property
    def thread(self) -> int | None:
        """The topic as messages name it."""
        return None if self.topic == GENERAL_TOPIC else self.topic


def read_place(text: str) -> ChatPlace:
    """The group that *text* names: `-1001234567890`, or with a topic `-1001234567890/7`.

    Raises:
        ValueError: it names none.
    """
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f'"{text[:40]}" is no group')
    return ChatPlace(int(found[1]), int(found[2]) if found[2] else None)


@dataclass(frozen=True)
class Access:
    """The people on the lists, and the *groups* where they are listened to; none: in every one.

    *alerts*: where is told what nobody asked for; none: to each admin in private. They are listened
    to there as well.
    """

    people: Mapping[int, ChatRole] = field(default_factory=dict)
    groups: frozenset[ChatPlace] = frozenset()
    alerts: tuple[ChatPlace, ...] = ()

    @classmethod
    def of(
        cls,
        admins: Iterable[int] = (),
        operators: Iterable[int] = (),
        viewers: Iterable[int] = (),
        groups: Iterable[ChatPlace] = (),
        alerts: Iterable[ChatPlace] = (),
    ) -> "Access":
        """The lists put together."""
        people = {
            **dict.fromkeys(viewers, ChatRole.VIEWER),
            **dict.fromkeys(operators, ChatRole.OPERATOR),
            **dict.fromkeys(admins, ChatRole.ADMIN),
        }
        told, named = tuple(dict.fromkeys(alerts)), frozenset(groups)
        return cls(people, named | frozenset(told) if named else named, told)

    @property
    def hearers(self) -> tuple[ChatPlace, ...]:
        """Where is told what nobody asked for."""
        return self.alerts or tuple(map(ChatPlace, self.admins))

    @property
    def admins(self) -> tuple[int, ...]:
        """Those who are asked where nobody in particular is, in the order of their numbers."""
        return tuple(sorted(each for each, role in self.people.items() if role is ChatRole.ADMIN))

    def role_of(self, person: int) -> ChatRole | None:
        """None for a stranger."""
        return self.people.get(person)

    def listens_in(self, chat: int, topic: int | None, moved: Mapping[int, int]) -> bool:
        """Whether anything that is said there counts. In private it does: the person alone decides.

        *moved* are groups that have another number now; whoever presses a button of a message from
        before does it under the old one.
        """
        if chat > 0 or not self.groups:
            return True
        chat = moved.get(chat, chat)
        named = (ChatPlace(moved.get(each.chat, each.chat), each.topic) for each in self.groups)
        return any(each.has(chat, topic) for each in named)
