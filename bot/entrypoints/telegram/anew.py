"""Plans that had changed by the time somebody agreed: shown at once as they are now."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.jobs import Job, JobKind, plan_changed
from bot.domain.restore import UNDO
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request, parse_origin, person_of
from bot.entrypoints.telegram.deeds import Deeds
from bot.services.ports import Clock

_FRESH = timedelta(minutes=10)  # later whoever agreed may have moved on, and presses the button


@dataclass(frozen=True)
class Anew:
    """Asks whoever agreed to such a plan about the one of now, once, where they agreed."""

    deeds: Deeds
    answers: Answers
    clock: Clock

    async def show(self, job: Job) -> None:
        """Do so if *job* has done nothing for that reason.

        Raises PortError, retryable, when the journal does not answer: then do it again.
        """
        place, person = parse_origin(job.origin), person_of(job.actor)
        look = _LOOKS.get(job.kind)
        if not (place and person and look and self._is_due(job)):
            return
        request = Request(id=f"{job.origin} {job.id}", place=place, person=person)
        if not await self.answers.is_written(request):
            await self.answers.carry_out(request, look(self.deeds, request, job))

    def _is_due(self, job: Job) -> bool:
        now = self.clock.now()
        return plan_changed(job) and job.ended is not None and now - job.ended <= _FRESH


async def _restore(deeds: Deeds, request: Request, job: Job) -> str | None:
    if job.label == UNDO:
        return await deeds.undo(request)
    return await deeds.restore(request, job.label)


async def _update(deeds: Deeds, request: Request, job: Job) -> str | None:
    return await deeds.update(request, job.id)


async def _roll_back(deeds: Deeds, request: Request, _: Job) -> str | None:
    return await deeds.roll_back(request)


_LOOKS: dict[JobKind, Callable[[Deeds, Request, Job], Awaitable[str | None]]] = {
    JobKind.RESTORE: _restore,
    JobKind.UPDATE: _update,
    JobKind.ROLLBACK: _roll_back,
}
