"""Chats and messages: as they stand, how they came to, and how Telegram writes them in JSON."""

from dataclasses import dataclass, field
from datetime import datetime

from tests.bot_api.errors import Json
from tests.bot_api.keyboard import Button, buttons
from tests.bot_api.markup import Formatted


@dataclass(frozen=True)
class File:
    """A document or a picture, byte for byte."""

    name: str
    content_type: str
    content: bytes
    id: str = ""
    size: tuple[int, int] | None = None  # of a picture, in pixels


@dataclass(frozen=True)
class Version:
    """What a message said from *at* on; *html* is what was sent, *content* what it shows."""

    at: datetime
    html: str
    content: Formatted
    markup: Json | None = None

    def says_the_same_as(self, other: "Version") -> bool:
        return (self.content, self.markup) == (other.content, other.markup)


@dataclass(eq=False)
class Message:
    """One message; its first version is the one that was sent, the others are edits."""

    chat: "Chat"
    id: int
    sender: Json
    versions: list[Version]
    thread: int | None = None
    silent: bool = False
    file: File | None = None
    reply_to: "Message | None" = None
    sender_chat: "Chat | None" = None
    service: Json = field(default_factory=dict)
    deleted: bool = False

    @property
    def text(self) -> str:
        return self.versions[-1].content.text

    @property
    def html(self) -> str:
        return self.versions[-1].html

    @property
    def edits(self) -> list[Version]:
        return self.versions[1:]

    @property
    def date(self) -> datetime:
        return self.versions[0].at

    @property
    def buttons(self) -> list[list[Button]]:
        return buttons(self.versions[-1].markup)

    @property
    def labels(self) -> list[str]:
        return [button.label for row in self.buttons for button in row]

    @property
    def from_bot(self) -> bool:
        return bool(self.sender["is_bot"]) and self.sender_chat is None

    def __str__(self) -> str:
        who = "bot" if self.from_bot else self.sender["first_name"]
        notes = [f"edited {len(self.edits)}x"] * bool(self.edits) + ["silent"] * self.silent
        notes += [f"file {self.file.name}"] if self.file else []
        notes += [f"buttons {self.labels}"] if self.labels else []
        told = f" ({', '.join(notes)})" if notes else ""
        return f"{self.chat.id}/{self.id} {who}: {self.text!r}{told}"

    def json(self) -> Json:
        now = self.versions[-1]
        body = {
            "message_id": self.id,
            "from": self.sender,
            "chat": self.chat.json(),
            "date": int(self.date.timestamp()),
            **({"edit_date": int(now.at.timestamp())} if self.edits else {}),
            **self._place(),
            **self._content(now.content),
            **self.service,
        }
        return body | ({"reply_markup": now.markup} if self.labels else {})

    def _place(self) -> Json:
        place: Json = {}
        if self.thread is not None:
            place |= {"message_thread_id": self.thread, "is_topic_message": True}
        if self.sender_chat is not None:
            place["sender_chat"] = self.sender_chat.json()
        if self.reply_to is not None:
            place["reply_to_message"] = self.reply_to.json()
        elif self.thread is not None:  # to the topic's first message, though nobody replied to it
            place["reply_to_message"] = self._opening(self.thread)
        return place

    def _opening(self, thread: int) -> Json:
        return {
            "message_id": thread,
            "from": self.sender,
            "chat": self.chat.json(),
            "date": 0,
            "message_thread_id": thread,
            "is_topic_message": True,
            "forum_topic_created": {"name": self.chat.topics[thread], "icon_color": 0},
        }

    def _content(self, content: Formatted) -> Json:
        text = "caption" if self.file else "text"
        entities = "caption_entities" if self.file else "entities"
        body: Json = {text: content.text} if content.text else {}
        body |= {entities: list(content.entities)} if content.entities else {}
        return body | (self._file(self.file) if self.file else {})

    def _file(self, file: File) -> Json:
        known = {"file_id": file.id, "file_unique_id": file.id, "file_size": len(file.content)}
        if file.size:
            width, height = file.size
            return {"photo": [known | {"width": width, "height": height}]}
        return {"document": known | {"file_name": file.name, "mime_type": file.content_type}}


@dataclass(eq=False)
class Chat:
    """A conversation; *bot* says what became of the bot there."""

    id: int
    type: str  # private, group or supergroup
    title: str
    topics: dict[int, str] = field(default_factory=dict)
    deleted_topics: set[int] = field(default_factory=set)
    bot: str = "member"  # member, administrator, left, kicked, blocked or never started
    upgraded_to: int | None = None
    all_messages: list[Message] = field(default_factory=list)  # with those that were deleted

    @property
    def messages(self) -> list[Message]:
        return [message for message in self.all_messages if not message.deleted]

    @property
    def has_bot(self) -> bool:
        return self.bot in {"member", "administrator"}

    @property
    def from_bot(self) -> list[Message]:
        return [message for message in self.messages if message.from_bot]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.from_bot]

    @property
    def last(self) -> Message:
        """The newest message of the bot."""
        return self.from_bot[-1]

    def saying(self, part: str) -> Message | None:
        """Return the newest message of the bot that shows *part*."""
        return next((it for it in reversed(self.from_bot) if part in it.text), None)

    def find(self, message_id: int) -> Message | None:
        return next((message for message in self.messages if message.id == message_id), None)

    def json(self) -> Json:
        if self.type == "private":
            return {"id": self.id, "type": "private", "first_name": self.title}
        forum = {"is_forum": True} if self.topics else {}
        return {"id": self.id, "type": self.type, "title": self.title} | forum
