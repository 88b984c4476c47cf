"""People: what they write, press and decide, and the updates that the bot hears of it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.bot_api.chats import Chat, Message, Version
from tests.bot_api.errors import Json
from tests.bot_api.keyboard import Button, buttons
from tests.bot_api.markup import Formatted, utf16_length

if TYPE_CHECKING:
    from tests.bot_api.world import World

NO_TIME = timedelta(0)
ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
_COMMAND = re.compile(r"(?<![\w/])/\w{1,64}(?:@\w{3,32})?", re.ASCII)


@dataclass(eq=False)
class Person:
    """Someone who uses Telegram."""

    world: "World"
    id: int
    first_name: str

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self.world.chats[self.id]

    def says(  # noqa: PLR0913 - each says one thing about a message
        self,
        text: str,
        chat: Chat | None = None,
        *,
        age: timedelta = NO_TIME,
        thread: int | None = None,
        reply_to: Message | None = None,
        anonymous: bool = False,
    ) -> Message:
        """Write *text* to the bot or into *chat*, *age* ago, as the group itself if *anonymous*."""
        with self.world.changed:
            place = chat or self.chat
            if place is self.chat:
                place.bot = "member"
            message = Message(
                place,
                next(self.world.ids),
                ANONYMOUS if anonymous else self.json(),
                [_version(text, self.world.now() - age)],
                thread,
                reply_to=reply_to,
                sender_chat=place if anonymous else None,
            )
            self.world.write(message)
            if place.has_bot:
                self.world.updates.add("message", message.json())
            return message

    def edits(self, message: Message, text: str) -> None:
        """Replace what *message* says."""
        with self.world.changed:
            message.versions.append(_version(text, self.world.now()))
            self.world.updates.add("edited_message", message.json())

    def presses(
        self, message: Message, label: str, *, age: timedelta = NO_TIME, stale: bool = False
    ) -> str:
        """Press a button under *message*, *age* ago, and return the id of the callback query.

        A *stale* press hits a button that an edit has removed meanwhile: the person was faster
        than the network.
        """
        with self.world.changed:
            return self._press(message, _button(message, label, stale=stale), age)

    def forges(self, message: Message, data: str) -> str:
        """Press a button with *data* that nobody has put there: a client can send any."""
        with self.world.changed:
            return self._press(message, Button("", data), NO_TIME)

    def _press(self, message: Message, button: Button, age: timedelta) -> str:
        with self.world.changed:
            query_id = self.world.ask(self, message, button, self.world.now() - age)
            asked = {"id": query_id, "from": self.json(), "chat_instance": str(message.chat.id)}
            content = asked | {"message": message.json(), "data": button.data}
            self.world.updates.add("callback_query", content)
            return query_id

    def deletes(self, message: Message) -> None:
        """Delete *message*; a bot is never told."""
        with self.world.changed:
            message.deleted = True
            self.world.changed.notify_all()

    def blocks_bot(self) -> None:
        self._decides(self.chat, "blocked", "kicked")

    def unblocks_bot(self) -> None:
        self._decides(self.chat, "member", "member")

    def adds_bot(self, chat: Chat) -> None:
        self._decides(chat, "member", "member")

    def promotes_bot(self, chat: Chat) -> None:
        """Let the bot delete what others write in *chat*."""
        chat.bot = "administrator"

    def kicks_bot(self, chat: Chat) -> None:
        self._decides(chat, "kicked", "kicked")

    def upgrades(self, group: Chat, chat_id: int) -> Chat:
        """Turn *group* into a supergroup, which has another id."""
        with self.world.changed:
            group.upgraded_to = chat_id
            supergroup = self.world.supergroup(chat_id, group.title)
            for place, note in (
                (group, {"migrate_to_chat_id": chat_id}),
                (supergroup, {"migrate_from_chat_id": group.id}),
            ):
                message = self.world.service(place, self.json(), **note)
                self.world.updates.add("message", message.json())
            return supergroup

    def json(self) -> Json:
        return {"id": self.id, "is_bot": False, "first_name": self.first_name}

    def _decides(self, chat: Chat, standing: str, status: str) -> None:
        with self.world.changed:
            before = "kicked" if chat.bot in {"blocked", "kicked"} else "member"
            chat.bot = standing
            change = {
                "chat": chat.json(),
                "from": self.json(),
                "date": int(self.world.now().timestamp()),
                "old_chat_member": _member(self.world.bot, before),
                "new_chat_member": _member(self.world.bot, status),
            }
            self.world.updates.add("my_chat_member", change)


def _version(text: str, at: datetime) -> Version:
    entities = tuple(
        {
            "type": "bot_command",
            "offset": utf16_length(text[: command.start()]),
            "length": utf16_length(command[0]),
        }
        for command in _COMMAND.finditer(text)
    )
    return Version(at, text, Formatted(text, entities))


def _button(message: Message, label: str, *, stale: bool) -> Button:
    versions = reversed(message.versions) if stale else message.versions[-1:]
    for version in versions:
        for row in buttons(version.markup):
            for button in row:
                if button.label == label and button.data and not message.deleted:
                    return button
    raise LookupError(f"no button {label!r} to press under {message}")


def _member(bot: Json, status: str) -> Json:
    return {"user": bot, "status": status} | ({"until_date": 0} if status == "kicked" else {})
