"""Whether a word that was typed can be the answer to a question: only after it, beside it. Pure."""

from datetime import datetime, timedelta

from bot.entrypoints.telegram.ages import STALE
from bot.entrypoints.telegram.asked import Place
from bot.services.journal_ports import Queued

TYPED_LATE = timedelta(days=1)
"""After a question has expired; what is typed after that was not meant for it."""


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
