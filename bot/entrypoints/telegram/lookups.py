"""Looks up what changes nothing: versions, and what containers have said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo

from bot.domain.errors import BotError
from bot.domain.jobs import Job
from bot.domain.stack import Container, Role
from bot.entrypoints.telegram import failure_texts, job_list_texts, look_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.looks import MOST_LINES, Lookout, Span, roles_of
from bot.services.operations import Operations
from bot.services.ports import Clock

_WHY_LINES = 200
_AROUND = timedelta(seconds=5)


@dataclass(frozen=True)
class Lookups:
    """Each returns the answer, or None where it wrote one that has more to it than text."""

    operations: Operations
    lookout: Lookout
    answers: Answers
    clock: Clock
    zone: tzinfo

    async def version(self) -> str:
        """Which versions run."""
        found = await seen_within(self.lookout.versions(), "the Docker Engine", self.clock)
        if isinstance(found, BotError):
            return failure_texts.command_failed(found, self._wall())
        return look_texts.versions(found)

    async def logs(self, request: Request, words: str) -> str | None:
        """The log that *words* ask for, `worker 100`; without a service, buttons to choose one."""
        service, lines = _read(words)
        if not 0 < lines <= MOST_LINES:
            return look_texts.logs_what(words)
        if service:
            return await self.log(request, service, lines)
        stack = await seen_within(self.operations.stack(), "the Docker Engine", self.clock)
        if isinstance(stack, BotError):
            return failure_texts.command_failed(stack, self._wall())
        text, buttons = look_texts.which_service(roles_of(stack), lines)
        await self.answers.write(request, text, buttons)
        return None

    async def log(self, request: Request, service: str, lines: int) -> str | None:
        """The last lines of *service*: as text, or as a document where they are too long for it."""
        found = await self._said(service, lines)
        if isinstance(found, BotError):
            return failure_texts.command_failed(found, self._wall())
        container, said = found
        if not said:
            return look_texts.silent(container)
        if text := look_texts.log(container, said, self._wall()):
            return text
        caption = look_texts.log_caption(container, said)
        document = (f"{container.service}.log", "\n".join([*said, ""]))
        await self.answers.write(request, caption, document=document)
        return None

    async def why(self, request: Request, job_id: str) -> str | None:
        """All that is known of how a job went."""
        job = await self.operations.job(job_id)
        if job is None:
            return job_list_texts.gone(job_id)
        found = await self._said(Role.POSTGRESQL, _WHY_LINES, _span(job))
        container, said = (None, ()) if isinstance(found, BotError) else found
        told = look_texts.why(job, container, said, self._wall())
        caption = look_texts.why_caption(job)
        await self.answers.write(request, caption, document=(f"{job.id}.txt", told))
        return None

    async def _said(
        self, service: str, lines: int, span: Span | None = None
    ) -> tuple[Container, Sequence[str]] | BotError:
        looking = self.lookout.log(service, lines, span)
        return await seen_within(looking, "the Docker Engine", self.clock)

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)


def _read(words: str) -> tuple[str, int]:
    """The service, "" for none, and how many lines; 0 lines where *words* make no sense."""
    *services, last = words.split() or [""]
    is_number = last.isascii() and last.isdecimal() and len(last) <= len(str(MOST_LINES))
    if not is_number:
        services, last = [*services, *([last] if last else [])], str(look_texts.USUAL_LINES)
    return (services[0] if services else "", int(last)) if len(services) <= 1 else ("", 0)


def _span(job: Job) -> Span:
    return Span(job.started - _AROUND, (job.ended or job.started) + _AROUND)
