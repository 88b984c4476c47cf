"""Tells all hearers that backups or drills are missing, and when all is well again.

The keys of its messages name the alarm and how often it was told, so that nobody is told twice, and
whoever heard of an alarm hears of its end.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from bot.domain.alarms import Alarm, LateSuccess
from bot.domain.jobs import JobKind
from bot.domain.roles import ChatPlace
from bot.entrypoints.telegram import alarm_texts
from bot.entrypoints.telegram.job_texts import AGAIN, log_button
from bot.entrypoints.telegram.outgoing import COPY, Outgoing, copy_for
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, Deed, DeedData
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Buttons, Message, Queued
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

STATUS = "Status"
_NOW = {JobKind.BACKUP: Deed.BACKUP, JobKind.DRILL: Deed.DRILL}
_SEPARATOR = "|"


@dataclass(frozen=True)
class AlarmNews:
    """Port `Teller`, to *hearers*."""

    outgoing: Outgoing
    hearers: Sequence[ChatPlace]
    clock: Clock
    zone: tzinfo

    async def alarm(self, alarm: Alarm) -> None:
        wall = Wall(self.clock.now(), self.zone)
        key = _key("alarm", alarm.kind, alarm.baseline.isoformat(), str(alarm.number))
        text = alarm_texts.alarm(alarm, wall)
        message = Message(key=key, chat=0, text=text, buttons=_ways_on(alarm))
        await self._tell(message, alarm.words)

    async def over(self, kind: JobKind, good: datetime, late: LateSuccess | None = None) -> None:
        told = await self.outgoing.named(_key("alarm", kind, ""))
        for without in {_baseline(each) for each in told}:
            if without < good:
                wall = Wall(self.clock.now(), self.zone)
                with_it = late if late and late.is_after(without) else None
                text = alarm_texts.over(kind, without, good, wall, with_it)
                key = _key("alarm over", kind, without.isoformat())
                await self._tell(Message(key=key, chat=0, text=text), f"a {kind} is good again")

    async def late(self, success: LateSuccess) -> None:
        if await self._was_told_with_an_end(success):
            return
        text = alarm_texts.late(success, Wall(self.clock.now(), self.zone))
        message = Message(key=_key("late", success.job.id), chat=0, text=text, silent=True)
        await self._tell(message, success.words)

    async def _was_told_with_an_end(self, success: LateSuccess) -> bool:
        ends = await self.outgoing.named(_key("alarm over", success.job.kind, ""))
        done = success.job.ended or success.job.started
        return any(each.written >= done and success.is_after(_baseline(each)) for each in ends)

    async def _tell(self, message: Message, words: str) -> None:
        if not self.hearers:
            logger.error("chat: nobody is told: %s: AKBOT_TELEGRAM_ADMINS names nobody", words)
        for place in self.hearers:
            await self.outgoing.put(copy_for(place, message))


def _baseline(told: Queued) -> datetime:
    """Of the alarm that was told, or its end."""
    key, _, _ = told.message.key.partition(COPY)
    return datetime.fromisoformat(key.split(_SEPARATOR)[2])


def _ways_on(alarm: Alarm) -> Buttons:
    """What may end it, why the last run failed, how the stack is."""
    status = ((STATUS, DeedData(Deed.STATUS).line()),)
    if not alarm.failed:
        now = alarm_texts.NOW[alarm.kind], DeedData(_NOW[alarm.kind]).line()
        return ((now,), status)
    newest = alarm.failed[0]
    again = ((AGAIN, f"{AGAIN_PREFIX}{newest.id}"),)
    return (again, (log_button(newest),), status)


def _key(*parts: str) -> str:
    return _SEPARATOR.join(parts)
