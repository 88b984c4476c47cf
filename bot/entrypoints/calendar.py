"""What people are told by the calendar: the report of a week, the line of a day."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.domain.schedule import Schedule
from bot.services.ports import Clock


class ReportTeller(Protocol):
    """Tells people; of the same slot once, over any restart. Raises PortError."""

    async def week(self, slot: datetime) -> None:
        """The report of the week until *slot*."""

    async def day(self, slot: datetime, *, only_trouble: bool) -> None:
        """The line of the day until *slot*, with *only_trouble* none of a day that was well."""


@dataclass(frozen=True)
class Calendar:
    """When which is told: *weekly* and *daily*, None for never, made up for within *catch_up*."""

    teller: ReportTeller
    weekly: Schedule | None
    daily: Schedule | None
    clock: Clock
    catch_up: timedelta
    only_trouble: bool = False

    async def week(self) -> None:
        """Tell the newest report that is due."""
        if slot := self._newest(self.weekly):
            await self.teller.week(slot)

    async def day(self) -> None:
        """Tell the newest line that is due, but where the report comes at the same time."""
        slot = self._newest(self.daily)
        if slot and slot != self._newest(self.weekly):
            await self.teller.day(slot, only_trouble=self.only_trouble)

    def _newest(self, plan: Schedule | None) -> datetime | None:
        now = self.clock.now()
        return plan.last_until(now, now - self.catch_up) if plan else None
