"""Planned work becomes commands: each slot once, one that was missed made up for once."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.errors import BotError, BusyError, SlotTakenError
from bot.domain.jobs import ALL_JOBS, JobKind, slot_is_due
from bot.domain.messages import Command
from bot.domain.schedule import Schedule
from bot.services.operations import Operations
from bot.services.ports import Clock

CATCH_UP = timedelta(hours=6)
_LOOK_AGAIN = 60.0  # seconds; a clock that is set anew is noticed within them

logger = logging.getLogger(__name__)


@dataclass
class Scheduler:
    """Begins a job of *kind* at each slot of *schedule*; *command* makes it for the slot.

    *since* is when this installation began: nothing was missed before. *troubles* has a sentence
    while one that is due cannot begin; it is tried again every minute. A slot is taken once a job
    of it is in the journal, so that no restart, kill or clock that jumps back runs it twice; what
    an outage or a kill cut off is tried again, as `slot_is_due` says.
    """

    kind: JobKind
    schedule: Schedule
    command: Callable[[datetime], Command]
    operations: Operations
    clock: Clock
    since: datetime
    troubles: MutableMapping[str, str]

    async def run(self) -> None:
        """Begin what is due, for ever."""
        while True:
            await self.begin_what_is_due()
            await self.clock.sleep(self._pause())

    async def begin_what_is_due(self) -> None:
        """Begin the newest slot that is due, if nothing was begun for it yet."""
        now = self.clock.now()
        slot = self.schedule.last_until(now, max(self.since, now - CATCH_UP))
        if slot is None:
            return
        try:
            jobs = await self.operations.jobs(ALL_JOBS)
            if slot_is_due(jobs, self.kind, slot, now):
                await self.operations.start(self.command(slot))
        except SlotTakenError as error:
            logger.info("nothing begins: %s", error)
            self.troubles.pop(self.kind, None)
        except BusyError as error:
            logger.info("the %s of %s waits: %s", self.kind, f"{slot:%H:%M} UTC", error)
        except BotError as error:
            words = f"the {self.kind} of {slot:%H:%M} UTC could not begin: {error}"
            self.troubles[self.kind] = words
            logger.error(words)  # noqa: TRY400
        else:
            self.troubles.pop(self.kind, None)

    def _pause(self) -> float:
        return _pause(self.schedule, self.clock.now())


@dataclass
class Rounds:
    """Does *look*, which is no job, at each slot of *schedule*; one that was missed once.

    *since* is when this installation began. After a restart the newest slot is looked at again:
    *look* must not mind that. *name* is what the log calls it.
    """

    name: str
    schedule: Schedule
    look: Callable[[], Awaitable[None]]
    clock: Clock
    since: datetime

    async def run(self) -> None:
        """Look when it is time, for ever."""
        while True:
            await self.look_if_due()
            await self.clock.sleep(_pause(self.schedule, self.clock.now()))

    async def look_if_due(self) -> None:
        """Look, where a slot has come since the last time."""
        now = self.clock.now()
        slot = self.schedule.last_until(now, max(self.since, now - CATCH_UP))
        if slot is None:
            return
        self.since = slot
        try:
            await self.look()
        except BotError as error:
            logger.warning("%s: %s", self.name, error)
        except Exception:  # boundary: the next slot comes all the same
            logger.exception("%s failed on an error of akbot itself", self.name)


def _pause(schedule: Schedule, now: datetime) -> float:
    """Seconds until the next slot, or until the clock is looked at again."""
    following = schedule.next_after(now)
    left = (following - now).total_seconds() if following else _LOOK_AGAIN
    return max(0.0, min(left, _LOOK_AGAIN))
