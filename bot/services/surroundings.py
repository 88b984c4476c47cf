"""Looks at what stands around the containers, and lets the incidents know of what lasts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from bot.domain.errors import BotError, PortError
from bot.domain.incident import AROUND, Trouble
from bot.domain.jobs import Job
from bot.domain.known_images import KnownImages, settle
from bot.domain.stack import Stack
from bot.domain.surroundings import ImageInUse, Surroundings
from bot.domain.surroundings_grades import Limits, grades, kinds_in
from bot.domain.surroundings_verdict import Extent, Looks, Verdict, judge
from bot.services.ports import Clock
from bot.services.surroundings_ports import AnsweredMark, KnownImagesMark, SurroundingsLook

SELDOM = 5
"""What changes slowly or costs more is looked at once in so many looks."""
_SLOW = frozenset(
    {
        *(Trouble.DISK, Trouble.CONNECTIONS, Trouble.SILENT),
        *(Trouble.CERTIFICATE, Trouble.DRIFT, Trouble.IMAGE),
    }
)
_STACK, _PUBLIC, _CERTIFICATE = "the stack", "the public URL", "the certificate"
_MAY_NOT_EXIST = {Trouble.UNREACHABLE: _PUBLIC, Trouble.CERTIFICATE: _CERTIFICATE}
_LATELY = 200  # jobs

T = TypeVar("T")
logger = logging.getLogger(__name__)


class AroundIncidents(Protocol):
    """Whoever opens and closes incidents."""

    async def around(self, verdict: Verdict) -> None:
        """Take note of what lasts, and of what is over."""


@dataclass
class SurroundingsWatch:
    """*is_quiet* says whether people or a job restart things on purpose at the moment.

    *newest* is what was seen last, None before the first look. What takes longer than *within*
    seconds could not be looked at.
    """

    find_stack: Callable[[], Awaitable[Stack]]
    outside: SurroundingsLook
    known: KnownImagesMark
    answered: AnsweredMark
    jobs: Callable[[int], Awaitable[Sequence[Job]]]
    incidents: AroundIncidents
    is_quiet: Callable[[], Awaitable[bool]]
    clock: Clock
    limits: Limits
    within: float = 60.0
    newest: Surroundings | None = None
    _looks: Looks = field(default_factory=Looks)
    _written: Mapping[str, str] | None = None
    _number: int = 0
    _failing: dict[str, str] = field(default_factory=dict)

    async def look(self) -> None:
        """Look once; nothing counts that was seen while things are restarted on purpose.

        Raises PortError where the journal does not answer.
        """
        if await self.is_quiet():
            self._looks = Looks(held=self._looks.held)
            return
        is_slow = self._number % SELDOM == 0
        seen = await self._gather(is_slow=is_slow)
        known = await self._known(seen.images) if seen.images is not None else None
        if seen.images is not None and known is None:
            seen = replace(seen, images=None)
        if await self.is_quiet():  # it began meanwhile
            self._looks = Looks(held=self._looks.held)
            return
        self._number += 1
        self.newest = _newest(self.newest, seen, is_slow=is_slow)
        if self._written is None:
            await self._asked("the pages that answered before", self._recall())
        now = self.clock.now()
        graded = grades(seen, known, self.limits, now)
        self._looks, verdict = judge(self._looks, graded, self._extent(seen, is_slow), now)
        if self._written is not None and self._written != self._looks.held:
            await self._asked("the pages that answer", self._write_down())
        await self.incidents.around(verdict)

    async def look_no_more(self) -> None:
        """What an earlier process has told of is over where nobody wants it looked at."""
        await self.incidents.around(Verdict((), AROUND, frozenset()))

    def _extent(self, seen: Surroundings, is_slow: bool) -> Extent:  # noqa: FBT001 - as it was
        tried = AROUND if is_slow else AROUND - _SLOW
        there_is_none = {
            kind
            for kind, what in _MAY_NOT_EXIST.items()
            if kind in tried and not {what, _STACK} & self._failing.keys()
        }
        return Extent(tried, kinds_in(seen) | there_is_none)

    async def _gather(self, *, is_slow: bool) -> Surroundings:
        outside = self.outside
        public, stack = await asyncio.gather(
            self._asked(_PUBLIC, outside.public()), self._asked(_STACK, self.find_stack())
        )
        seen = Surroundings(at=self.clock.now(), public=public)
        if stack is None:
            return seen
        usage, ready = await asyncio.gather(
            self._asked("what the containers use", outside.usage(stack)),
            self._asked("the ready check", outside.ready(stack)),
        )
        seen = replace(seen, usage=None if usage is None else tuple(usage), ready=ready)
        return await self._gather_slow(seen, stack) if is_slow else seen

    async def _gather_slow(self, seen: Surroundings, stack: Stack) -> Surroundings:
        outside = self.outside
        disks, database, certificate, images = await asyncio.gather(
            self._asked("the disks", outside.disks(stack)),
            self._asked("the database", outside.database(stack)),
            self._asked(_CERTIFICATE, outside.certificate(stack)),
            self._asked("the images", outside.images(stack)),
        )
        return replace(
            seen,
            disks=None if disks is None else tuple(disks),
            connections=database.connections if database else None,
            heartbeat=database.heartbeat if database else None,
            certificate=certificate,
            images=None if images is None else tuple(images),
        )

    async def _known(self, seen: Sequence[ImageInUse]) -> KnownImages | None:
        """What is known of the images, brought up to date; None where that cannot be told."""
        return await self._asked("the known images", self._settled(seen))

    async def _settled(self, seen: Sequence[ImageInUse]) -> KnownImages:
        before = await self.known.read()
        known = settle(before, seen, await self.jobs(_LATELY), self.clock.now())
        if known != before:
            await self.known.write(known)
        return known

    async def _recall(self) -> None:
        """What has answered since needs nobody to say so."""
        self._written = await self.answered.read()
        self._looks = replace(self._looks, held={**self._written, **self._looks.held})

    async def _write_down(self) -> None:
        await self.answered.write(self._looks.held)
        self._written = self._looks.held

    async def _asked(self, what: str, asked: Awaitable[T]) -> T | None:
        """The answer; a failure is written to the log once, and is no finding."""
        try:
            async with asyncio.timeout(self.within):
                answer = await asked
        except TimeoutError:
            self._fails(what, PortError(f"it is not done after {self.within:.0f} s"))
        except BotError as error:
            self._fails(what, error)
        else:
            self._failing.pop(what, None)
            return answer
        return None

    def _fails(self, what: str, error: BotError) -> None:
        if self._failing.get(what) != str(error):
            self._failing[what] = str(error)
            logger.warning("look at %s: %s", what, error)


def _newest(before: Surroundings | None, seen: Surroundings, *, is_slow: bool) -> Surroundings:
    """*seen*, and what was seen seldom and not this time."""
    if before is None or is_slow:
        return seen
    return replace(before, at=seen.at, usage=seen.usage, ready=seen.ready, public=seen.public)
