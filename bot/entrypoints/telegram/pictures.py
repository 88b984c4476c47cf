"""Pictures that follow an answer: drawn beside the conversation, which never waits for one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.domain.catalogue import BackupRecord
from bot.domain.errors import BotError
from bot.domain.stack import Stack
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.chart_texts import caption
from bot.entrypoints.telegram.errands import Errands
from bot.services.charts import Charts

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """One at a time for each chat: who asks again meanwhile gets it once.

    None comes where there is no course to see; where it cannot be drawn, its caption comes alone.
    """

    charts: Charts
    answers: Answers
    errands: Errands
    _drawn_for: set[int] = field(default_factory=set)  # chats

    def begin(self, request: Request, stack: Stack, records: Sequence[BackupRecord]) -> None:
        """Draw, and return at once."""
        if request.place.chat not in self._drawn_for:
            self._drawn_for.add(request.place.chat)
            self.errands.begin(self._send(request, stack, records))

    async def _send(self, request: Request, stack: Stack, records: Sequence[BackupRecord]) -> None:
        try:
            figures = await self.charts.figures(stack, records)
            if figures.are_worth_drawing:
                picture = await self.charts.draw(figures)
                await self.answers.illustrate(request, caption(figures), picture)
        except BotError as error:
            logger.warning("chat: the picture of the stack is left out: %s", error)
        finally:
            self._drawn_for.discard(request.place.chat)
