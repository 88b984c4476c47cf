"""The world around the bot: chats, people, and what each sees of the other."""

import asyncio
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from tests.bot_api.chats import Chat, File, Message, Version
from tests.bot_api.errors import Json
from tests.bot_api.keyboard import Button
from tests.bot_api.limits import RateLimits
from tests.bot_api.markup import Formatted
from tests.bot_api.people import Person
from tests.bot_api.updates import Updates

FIRST_SUPERGROUP = -1_001_000_000_001
SHOWN = 12
PATIENCE = 300.0
"""Seconds after which a wait is in vain, on however busy a machine."""

Found = TypeVar("Found")


@dataclass(frozen=True)
class Notice:
    """What the bot showed the person who pressed a button."""

    text: str
    alert: bool


@dataclass
class Query:
    """One press of a button, and the bot's answer once there is one."""

    id: str
    person: Person
    message: Message
    button: Button
    at: datetime
    notice: Notice | None = None


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class World:
    """Everything that a test arranges and looks at; *changed* guards it and tells of news."""

    token: str
    now: Callable[[], datetime] = system_clock
    limits: RateLimits | None = None
    changed: threading.Condition = field(default_factory=threading.Condition)
    chats: dict[int, Chat] = field(default_factory=dict)
    people: dict[int, Person] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    actions: list[tuple[int, str]] = field(default_factory=list)  # chat and "typing" or the like
    commands: dict[str, list[Json]] = field(default_factory=dict)  # by scope
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.updates = Updates(self.changed)
        number = int(self.token.partition(":")[0])
        self.bot: Json = {
            "id": number,
            "is_bot": True,
            "first_name": "Bot",
            "username": f"test{number}_bot",
        }

    def user(self, user_id: int, first_name: str = "Ada", *, started: bool = True) -> Person:
        """Return a person, who has a chat with the bot unless they never *started* it."""
        with self.changed:
            if user_id not in self.people:
                self.people[user_id] = Person(self, user_id, first_name)
                bot = "member" if started else "never started"
                self.chats[user_id] = Chat(user_id, "private", first_name, bot=bot)
            return self.people[user_id]

    def group(self, chat_id: int, title: str = "Group") -> Chat:
        return self._joined(Chat(chat_id, "group", title))

    def supergroup(
        self,
        chat_id: int = FIRST_SUPERGROUP,
        title: str = "Team",
        *,
        topics: dict[int, str] | None = None,
    ) -> Chat:
        """Return a supergroup with the bot in it; with *topics* (id and name) it is a forum."""
        return self._joined(Chat(chat_id, "supergroup", title, dict(topics or {})))

    def chat(self, chat_id: int) -> Chat:
        """Return the chat as it stands now."""
        return self.chats[chat_id]

    def write(self, message: Message) -> Message:
        """Put a new message into its chat."""
        with self.changed:
            message.chat.all_messages.append(message)
            self.changed.notify_all()
            return message

    def ask(self, person: Person, message: Message, button: Button, at: datetime) -> str:
        """Open a callback query and return its id."""
        query_id = f"{person.id}{next(self.ids):012}"
        self.queries[query_id] = Query(query_id, person, message, button, at)
        return query_id

    def service(self, chat: Chat, sender: Json, **content: object) -> Message:
        """Put a message into *chat* that nobody wrote, such as the note of an upgrade."""
        version = Version(self.now(), "", Formatted(""))
        return self.write(Message(chat, next(self.ids), sender, [version], service=content))

    def wait(self, condition: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
        """Return what *condition* does as soon as that is true.

        Raises:
            AssertionError: It did not become true; the message shows what was said last.
        """
        found = self.comes(condition, seconds)
        if not found:
            raise AssertionError(f"nothing came within {seconds} s. {self.transcript()}")
        return found

    def comes(self, condition: Callable[[], Found | None], seconds: float) -> Found | None:
        """Return what *condition* does as soon as that is true, or once the time is over."""
        with self.changed:
            return self.changed.wait_for(condition, seconds)

    async def until(
        self, condition: Callable[[], Found | None], seconds: float = PATIENCE
    ) -> Found:
        """Wait likewise, in a test that shares its event loop with the bot."""
        return await asyncio.to_thread(self.wait, condition, seconds)

    def transcript(self) -> str:
        """Return the last messages of all chats."""
        said = [message for chat in self.chats.values() for message in chat.messages]
        lines = [f"  {message}" for message in sorted(said, key=lambda it: it.id)[-SHOWN:]]
        return "\n".join(["The last messages:", *(lines or ["  none"])])

    def _joined(self, chat: Chat) -> Chat:
        with self.changed:
            return self.chats.setdefault(chat.id, chat)
