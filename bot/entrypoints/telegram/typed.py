"""Which question a word that was typed is the answer to, if it surely is one's. Pure.

The same word answers one question about one backup and another about another: a reply means the
question that it replies to and no other, and a word by itself counts where there is but one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from bot.entrypoints.telegram.ages import STALE
from bot.entrypoints.telegram.asked import Place
from bot.services.journal_ports import Question, Queued

TYPED_LATE = timedelta(days=1)
"""After a question has expired; what is typed after that was not meant for it."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a message replies to: its number, None in another chat; *is_to_me*: to the bot's own."""

    message_id: int | None
    is_to_me: bool


@dataclass(frozen=True, kw_only=True)
class Typed:
    """A *word*, *sent* then, by itself or as a *reply*."""

    word: str
    sent: datetime
    reply: Reply | None = None


@dataclass(frozen=True)
class Put:
    """A question as it *stands* in the chat, and its *answer* so far, "" for none."""

    question: Question
    answer: str
    stands: Queued

    def is_awaited(self, now: datetime) -> bool:
        """Whether a word can be meant for it, if too late."""
        return not self.answer and now < self.question.expires + TYPED_LATE


class Unclear(Enum):
    """Why nobody can say which question a word is meant for."""

    NOT_ASKED_THERE = auto()
    SEVERAL = auto()


def meant(typed: Typed, place: Place, asked: Sequence[Put], now: datetime) -> Put | Unclear | None:
    """The question that a word, at *place*, is for; None where it was only said.

    *asked* are those for that word of that person, chat and topic, the newest first, answered ones
    as well: said twice, a word means no older question, and said too early, no later one.
    """
    if typed.reply:
        return _replied(typed.reply, asked, now)
    not_declined = [each for each in asked if each.answer in {"", typed.word}]
    if not not_declined:
        return None
    newest, *older = not_declined
    if now < newest.question.expires and any(_stood_beside(newest, each) for each in older):
        return Unclear.SEVERAL
    is_meant = newest.is_awaited(now) and stands_before(newest.stands, place, typed.sent)
    return newest if is_meant else None


def _replied(reply: Reply, asked: Sequence[Put], now: datetime) -> Put | Unclear | None:
    """People reply to each other with such a word, too, when nobody was asked for it."""
    for each in asked:
        if reply.message_id is not None and each.stands.message_id == reply.message_id:
            return each
    is_for_bot = reply.is_to_me or any(each.is_awaited(now) for each in asked)
    return Unclear.NOT_ASKED_THERE if is_for_bot else None


def is_for_another(
    typed: Typed, place: Place, own: Sequence[Put], others: Sequence[Put], now: datetime
) -> bool:
    """Whether a word, at *place*, answers one of *others*, which somebody else was asked.

    By itself it does not where one of its person's *own* was for it lately.
    """
    if typed.reply:
        number = typed.reply.message_id
        return number is not None and any(each.stands.message_id == number for each in others)
    lately = (each for each in own if now < each.question.expires + TYPED_LATE)
    if any(each.answer in {"", typed.word} for each in lately):
        return False
    return any(
        now < each.question.expires and stands_before(each.stands, place, typed.sent)
        for each in others
    )


def _stood_beside(newest: Put, older: Put) -> bool:
    """Whether *older* was open when *newest* was put: if it has expired since, it looks open."""
    return not older.answer and newest.stands.written < older.question.expires


def stands_before(question: Queued, place: Place, sent: datetime) -> bool:
    """Whether *question* was there when the word was typed, at *place* in its chat, *sent* then.

    A chat numbers its messages in their order. Where the question's number is not known the times
    say it; they are of two clocks, so that by themselves they show only what is far apart.
    """
    if sent < question.written - STALE:
        return False
    if question.message_id is not None:
        return question.message_id < place.message_id
    whole_seconds = question.written.replace(microsecond=0)  # as Telegram's times are
    return question.attempted and whole_seconds <= sent
