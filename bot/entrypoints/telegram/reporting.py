"""Reports in the chat: those that come by the calendar, to everybody on the list, and `/report`.

The keys of what comes by itself name its planned moment, so that nobody is told twice.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from bot.domain.catalogue import BackupRecord
from bot.domain.errors import BotError
from bot.domain.report import DAY, LONGEST_DAYS, WEEK
from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram import failure_texts, report_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.chart_texts import caption
from bot.entrypoints.telegram.outgoing import Outgoing, copy_for
from bot.entrypoints.telegram.pictures import Pictures
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.journal_ports import Message
from bot.services.operations import Operations
from bot.services.ports import Clock
from bot.services.reports import Reporter

logger = logging.getLogger(__name__)

_PART_WITHIN = 7.0  # seconds, of the ten that a command may keep the next one waiting


@dataclass(frozen=True)
class Reporting:
    """Port `ReportTeller`, to *hearers*; and the answer to whoever asks."""

    reporter: Reporter
    operations: Operations
    outgoing: Outgoing
    answers: Answers
    pictures: Pictures
    hearers: Sequence[ChatPlace]
    clock: Clock
    zone: tzinfo

    async def answer(self, asked: Asked) -> str | None:
        """The report of the days that were asked for, and then its picture."""
        words = asked.words or str(WEEK.days)
        if not (words.isascii() and words.isdecimal() and 0 < int(words) <= LONGEST_DAYS):
            return report_texts.report_what(asked.words)
        making = self.reporter.run(timedelta(days=int(words)), _PART_WITHIN)
        made = await seen_within(making, "the report", self.clock)
        if isinstance(made, BotError):
            return failure_texts.command_failed(made, self._wall())
        await self.answers.write(asked.request, report_texts.report(made.report, self._wall()))
        stack = await seen_within(self.operations.stack(), "the Docker Engine", self.clock)
        if not isinstance(stack, BotError):
            self.pictures.begin(asked.request, stack, made.records)
        return None

    async def week(self, slot: datetime) -> None:
        """Tell the report of the week that ends at *slot*. Raises PortError."""
        picture = f"report picture:{slot.isoformat()}"
        if await self._is_told(picture):
            return
        made = await self.reporter.run(WEEK)
        text = report_texts.report(made.report, self._wall())
        silent = not made.report.needs
        await self._tell(
            Message(key=f"report:{slot.isoformat()}", chat=0, text=text, silent=silent)
        )
        if message := await self._picture(picture, made.records):
            await self._tell(message)

    async def day(self, slot: datetime, *, only_trouble: bool) -> None:
        """Tell the line of the day that ends at *slot*. Raises PortError."""
        key = f"daily report:{slot.isoformat()}"
        if await self._is_told(key):
            return
        report = (await self.reporter.run(DAY)).report
        if report.is_well and only_trouble:
            return
        text = report_texts.daily(report, self._wall())
        await self._tell(Message(key=key, chat=0, text=text, silent=report.is_well))

    async def _picture(self, key: str, records: Sequence[BackupRecord]) -> Message | None:
        stack = await seen_within(self.operations.stack(), "the Docker Engine", self.clock)
        if isinstance(stack, BotError):
            logger.warning("chat: the report has no picture: %s", stack)
            return None
        charts = self.pictures.charts
        figures = await charts.figures(stack, records)
        if not figures.are_worth_drawing:
            return None
        picture, text = await charts.draw(figures), caption(figures)
        return Message(key=key, chat=0, text=text, silent=True, picture=picture)

    async def _is_told(self, key: str) -> bool:
        probe = Message(key=key, chat=0, text="")
        copies = [copy_for(place, probe).key for place in self.hearers]
        return all([await self.outgoing.find(each) for each in copies])

    async def _tell(self, message: Message) -> None:
        for place in self.hearers:
            await self.outgoing.put(copy_for(place, message))

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)
