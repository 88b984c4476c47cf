"""Tells all hearers of new versions, each in a message of their own."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.roles import ChatPlace
from bot.domain.update_news import NewRelease, News
from bot.entrypoints.telegram import update_texts
from bot.entrypoints.telegram.button_texts import SHOW_THE_WAY
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.pressed import Deed, DeedData
from bot.services.journal_ports import Message

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReleaseNews:
    """The keys of its messages name what they tell, so that nobody is told twice."""

    outgoing: Outgoing
    hearers: Sequence[ChatPlace]

    async def tell(self, news: News) -> None:
        """Write to everybody; where there is nobody the log has it."""
        if not self.hearers:
            logger.warning("chat: nobody is told: %s", news.words)
        message = _message(news)
        for place in self.hearers:
            await self.outgoing.put(copy_for(place, message))


def _message(news: News) -> Message:
    if isinstance(news, NewRelease):
        kind = "security" if news.security else "release"
        buttons = (((SHOW_THE_WAY, DeedData(Deed.UPDATE).line()),),)
        key = f"{kind}:{news.place}:{news.target}"
        return Message(key=key, chat=0, text=update_texts.new_release(news), buttons=buttons)
    key = f"silence:{news.since.isoformat()}"
    return Message(key=key, chat=0, text=update_texts.no_answer(news))
