"""Planned work becomes commands: each slot once, one that was missed made up for once."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.domain.alarms import Hindrance
from bot.domain.daemon_report import ITSELF
from bot.domain.errors import BotError, BusyError, SlotTakenError
from bot.domain.jobs import ALL_JOBS, JobKind
from bot.domain.messages import Command
from bot.domain.schedule import Schedule, Slots
from bot.domain.slots import CATCH_UP, SlotState, judge_look, judge_slot, share_of_delay
from bot.services.operations import Planned
from bot.services.ports import Clock
from bot.services.pulse import Beat, no_beat

LOOK_AGAIN = 60.0  # seconds; a clock that is set anew is noticed within them
_AT_ONCE = timedelta()
_PAUSED = "akbot was paused"


async def never() -> bool:
    """Nobody holds anything back."""
    return False


logger = logging.getLogger(__name__)


@dataclass
class Scheduler:
    """Begins a job of *kind* at each slot of *schedule*; *command* makes it for the slot.

    *since* is when this installation began: nothing was missed before. *troubles* has a sentence
    while one that is due cannot begin; it is tried again after *look_again* seconds. *hindrances*
    has why, also where that is no trouble, until one begins. *beat* is called once a round. A slot
    is taken once a job of it is in the journal, so that no restart, kill or clock that jumps back
    runs it twice; what failed or a kill cut off is tried again, as `judge_slot` says, for
    *catch_up* in all. Each slot's work begins later by a share of *delay* that is that slot's own.
    While *is_held* nothing begins; what that has cost is made up for.
    """

    kind: JobKind
    schedule: Schedule
    command: Callable[[datetime], Command]
    operations: Planned
    clock: Clock
    since: datetime
    troubles: MutableMapping[str, str]
    catch_up: timedelta = CATCH_UP
    delay: timedelta = _AT_ONCE
    look_again: float = LOOK_AGAIN
    is_held: Callable[[], Awaitable[bool]] = never
    beat: Beat = no_beat
    hindrances: MutableMapping[JobKind, Hindrance] = field(default_factory=dict)
    _slots: Slots = field(init=False)
    _began: datetime = field(init=False)
    _over: datetime | None = None  # the slot that needs no run any more, whatever the clock says

    def __post_init__(self) -> None:
        self._slots = Slots(self.schedule, self.catch_up + self.delay)
        self._began = self.since

    async def run(self) -> None:
        """Begin what is due, for ever."""
        while True:
            self.beat()
            await self.begin_what_is_due()
            await self.clock.sleep(self._pause())

    async def begin_what_is_due(self) -> None:
        """Begin the newest slot that is due, if nothing was begun for it yet."""
        now = self.clock.now()
        self.since = min(self.since, now)  # it was noted by a clock that was ahead
        slot = self._slots.newest(now)
        if slot is None or slot <= self.since or slot == self._over:
            return
        if not self._due(slot) <= now < self._due(slot) + self.catch_up:
            return
        await self._begin(slot, now)

    async def _begin(self, slot: datetime, now: datetime) -> None:
        try:
            state = judge_slot(await self.operations.jobs(ALL_JOBS), self.kind, slot, now)
            if state is SlotState.DUE:
                if await self.is_held():
                    self._note(slot, now, _PAUSED)
                    return
                await self.operations.start(self.command(slot))
            elif state is SlotState.OVER:
                self._over = slot
        except SlotTakenError as error:
            logger.info("nothing begins: %s", error)
            self._clear()
        except BusyError as error:
            self._note(slot, now, str(error))
            logger.info("the %s of %s waits: %s", self.kind, f"{slot:%H:%M} UTC", error)
        except BotError as error:
            logger.error(self._trouble(slot, now, str(error)))  # noqa: TRY400
        except Exception:  # boundary: it is tried again, and nothing else ends with it
            logger.exception(self._trouble(slot, now, ITSELF))
        else:
            self._clear()

    def _clear(self) -> None:
        self.troubles.pop(self.kind, None)
        self.hindrances.pop(self.kind, None)

    def _note(self, slot: datetime, now: datetime, why: str) -> None:
        self.hindrances[self.kind] = Hindrance(slot, now, why)

    def _trouble(self, slot: datetime, now: datetime, why: str) -> str:
        """Note it until something has begun, and give its words."""
        self._note(slot, now, why)
        words = f"the {self.kind} of {slot:%H:%M} UTC could not begin: {why}"
        self.troubles[self.kind] = words
        return words

    def _due(self, slot: datetime) -> datetime:
        """When the work of *slot* begins: before the next slot comes, however long the delay."""
        if not self.delay:
            return slot
        following = self.schedule.next_after(slot)
        longest = min(self.delay, following - slot) if following else self.delay
        return slot + longest * share_of_delay(slot, self._began)

    def _pause(self) -> float:
        """Seconds until something is due, or until the clock is looked at again."""
        now = self.clock.now()
        slots = [slot for slot in (self._slots.newest(now), self._slots.following(now)) if slot]
        left = [(due - now).total_seconds() for slot in slots if (due := self._due(slot)) > now]
        return min([*left, self.look_again])


@dataclass
class Rounds:
    """Does *look*, which is no job, at each slot of *schedule*; one that was missed once.

    *since* is when this installation began. What failed is tried again, as `judge_look` says,
    within *catch_up*. After a restart the newest slot is looked at again: *look* must not mind
    that, nor that it was half done. *name* is a noun, what the log calls it.
    """

    name: str
    schedule: Schedule
    look: Callable[[], Awaitable[None]]
    clock: Clock
    since: datetime
    catch_up: timedelta = CATCH_UP
    is_held: Callable[[], Awaitable[bool]] = never
    beat: Beat = no_beat
    _slots: Slots = field(init=False)
    _slot: datetime | None = None  # the one that was looked at last
    _failures: list[datetime] = field(default_factory=list)  # of the looks at it

    def __post_init__(self) -> None:
        self._slots = Slots(self.schedule, self.catch_up)

    async def run(self) -> None:
        """Look when it is time, for ever."""
        while True:
            self.beat()
            await self.look_if_due()
            await self.clock.sleep(self._pause())

    async def look_if_due(self) -> None:
        """Look, where a slot has come since the last time."""
        now = self.clock.now()
        self.since = min(self.since, now)  # it was noted by a clock that was ahead
        slot = self._slots.newest(now)
        if slot is None or slot <= self.since or await self.is_held():
            return
        if slot != self._slot:
            self._slot, self._failures = slot, []
        if self._judge(slot, now) is SlotState.DUE:
            await self._look(slot)

    async def _look(self, slot: datetime) -> None:
        try:
            await self.look()
        except BotError as error:
            logger.warning("%s: %s (%s)", self.name, error, self._note_failure(slot))
        except Exception:  # boundary: it is tried again, and the next slot comes all the same
            became = self._note_failure(slot)
            logger.exception("%s failed on an error of akbot itself (%s)", self.name, became)
        else:
            self.since = slot

    def _note_failure(self, slot: datetime) -> str:
        """What becomes of it, in words."""
        now = self.clock.now()
        self._failures.append(now)
        if self._judge(slot, now) is SlotState.OVER:
            return "it is given up until the next time"
        return "it is tried again"

    def _judge(self, slot: datetime, now: datetime) -> SlotState:
        return judge_look(self._failures, slot + self.catch_up, now)

    def _pause(self) -> float:
        now = self.clock.now()
        following = self._slots.following(now)
        left = (following - now).total_seconds() if following else LOOK_AGAIN
        return min(left, LOOK_AGAIN)
