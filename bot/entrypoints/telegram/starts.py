"""Begins jobs for people, each once, and sees to it that they hear what became of it.

A job may take longer to begin than a person waits for an answer. Then the promise to tell lies in
the outbox until it is kept: a job of that request has begun, and the notifier tells of it, or an
answer says why none has. A kill in between is told after it.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import timedelta, tzinfo
from typing import Any

from bot.domain.catalogue import LATEST
from bot.domain.errors import BotError, BusyError, RefusedError
from bot.domain.jobs import ALL_JOBS, Job, JobKind, JobState, Trigger, describe
from bot.domain.messages import Command, RunBackup, RunDrill, RunRestore
from bot.domain.orders import OrderKind
from bot.domain.restore import UNDO
from bot.entrypoints.telegram import start_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Person, Request, origin_of
from bot.entrypoints.telegram.errands import Errands
from bot.entrypoints.telegram.waiting import PATIENCE, ends_within
from bot.services.journal_ports import Question
from bot.services.operations import Operations
from bot.services.orders import Orders
from bot.services.ports import Clock

logger = logging.getLogger(__name__)

_RETRY = 5.0
_LOOK_BACK = 20  # jobs
_NEWS = timedelta(days=3)


@dataclass(eq=False)
class _Start:
    """A start under way; *is_late* once its person was told to wait."""

    task: "asyncio.Task[Job | BotError | None]"
    is_late: bool = False


@dataclass(frozen=True)
class Starts:
    """Begins jobs; *announce* opens the progress message of one.

    `run` keeps the promises of an earlier process.
    """

    operations: Operations
    answers: Answers
    clock: Clock
    zone: tzinfo
    announce: Callable[[Job], Awaitable[None]]
    errands: Errands
    orders: Orders
    may_cancel: Callable[[Person], Collection[JobKind]]
    _under_way: dict[str, _Start] = field(default_factory=dict)  # by origin

    @property
    def has_news(self) -> bool:
        """Whether somebody was told to wait and has not heard yet."""
        return any(start.is_late for start in self._under_way.values())

    async def begin(
        self, request: Request, kind: JobKind, words: str, agreed: str = ""
    ) -> str | None:
        """Begin a job on *words*, a label or a backup's id; *agreed* is the hash of its plan.

        Why it did not begin, or None where its person hears of it elsewhere.
        """
        return await self.begin_with(request, _command(request, kind, words, agreed))

    async def begin_with(self, request: Request, command: Command) -> str | None:
        """Likewise, of a job that *command* describes whole; its origin is the request's."""
        if job := await self.begun_from(request.origin):
            await self.announce(job)
            return None
        start = self._under_way.get(request.origin) or self._start(request, command)
        if not await ends_within(start.task, self.clock, PATIENCE):
            start.is_late = True
            await self.answers.promise(request, start_texts.begins_late())
            return None
        result = start.task.result()
        if isinstance(result, Job):
            await self.announce(result)
            return None
        await self._keep(request, command, result)
        return await self._words(request, result)

    async def is_dealt_with(self, request: Request) -> bool:
        """Whether an earlier process answered it, or began its job, which is told then."""
        if await self.answers.is_written(request):
            return True
        job = await self.begun_from(request.origin)
        if job:
            await self.announce(job)
        return job is not None

    async def begun_from(self, origin: str) -> Job | None:
        """The job that was begun by the same request, before a kill."""
        newest = await self.operations.jobs(_LOOK_BACK)
        return next((job for job in newest if job.origin == origin), None)

    async def is_served(self, request: Request) -> bool:
        """Whether another press under the same message begins a job, or has begun one that does.

        One that has failed serves nobody: what is pressed then is pressed anew.
        """
        under = f"{request.place.origin}:"
        jobs = await self.operations.jobs_as_they_stand(_LOOK_BACK)
        newest = next((job for job in jobs if job.origin.startswith(under)), None)
        serves = newest is not None and newest.state in {JobState.RUNNING, JobState.DONE}
        origins = [*self._under_way, *([newest.origin] if newest and serves else [])]
        return any(each.startswith(under) and each != request.origin for each in origins)

    async def running(self) -> Job | None:
        """The job that runs."""
        newest = await self.operations.jobs_as_they_stand(_LOOK_BACK)
        return next((job for job in newest if job.state is JobState.RUNNING), None)

    def _start(self, request: Request, command: Command) -> _Start:
        task = self.errands.begin(self._attempt(command))
        start = self._under_way[request.origin] = _Start(task)
        self.errands.begin(self._attend(start, request, command))
        return start

    async def _attempt(self, command: Command) -> Job | BotError | None:
        """The job, or why there is none; None for an error of ours."""
        try:
            return await self.operations.start(command)
        except BotError as error:
            return error
        except Exception:  # boundary: the person hears of it, and the chat goes on
            logger.exception("a job could not begin")
            return None

    async def _attend(self, start: _Start, request: Request, command: Command) -> None:
        """Once it has begun or not: tell whoever was told to wait, for as long as that takes."""
        try:
            await asyncio.wait({start.task})
            result = start.task.result()
            while start.is_late and not isinstance(result, Job):
                try:
                    await self._keep(request, command, result)
                    await self.answers.write(request, await self._words(request, result))
                except BotError as error:
                    logger.warning("chat: cannot tell yet that a job did not begin: %s", error)
                    await self.clock.sleep(_RETRY)
                else:
                    return
        finally:
            del self._under_way[request.origin]

    async def _keep(self, request: Request, command: Command, result: BotError | None) -> None:
        if isinstance(result, RefusedError) and command.kind.value in [*OrderKind]:
            await self.refuse(request, OrderKind(command.kind.value), command.label, result)

    async def refuse(
        self, request: Request, kind: OrderKind, about: str, error: RefusedError
    ) -> None:
        """Write down that nothing came of it, and why."""
        await self.orders.refuse(request.order(kind, about, self.clock.now()), str(error))

    async def decline(self, request: Request, kind: OrderKind, about: str) -> None:
        """Write down that its person said no to what it would do."""
        await self.orders.decline(request.order(kind, about, self.clock.now()))

    async def ask(self, request: Request, kind: OrderKind, about: str, question: Question) -> None:
        """Write down what *question* is about, for when nobody answers; `answered` must follow."""
        order = request.order(kind, about, self.clock.now())
        await self.orders.ask(replace(order, id=question.id), question.expires)

    async def answered(self, question: Question) -> None:
        """It was answered in time."""
        await self.orders.answered(question.id)

    async def is_busy(self, request: Request, kind: OrderKind, about: str) -> str:
        """What runs, in words, where nothing can begin beside it; it is written down then."""
        running = await self.running()
        if running is None:
            return ""
        error = BusyError(f"busy: {describe(running)}")
        await self.refuse(request, kind, about, error)
        return self._busy(request, running, error)

    def wall(self) -> texts.Wall:
        """The clock of whoever reads what is answered."""
        return texts.Wall(self.clock.now(), self.zone)

    def _busy(self, request: Request, running: Job | None, error: BotError) -> str:
        may_stop = running is not None and running.kind in self.may_cancel(request.person)
        return start_texts.busy(running, error, self.wall(), may_stop=may_stop)

    async def _words(self, request: Request, result: BotError | None) -> str:
        if result is None:
            return texts.went_wrong()
        if isinstance(result, BusyError):
            return self._busy(request, await self.running(), result)
        return start_texts.not_begun(result)

    async def run(self) -> None:
        """Tell whoever was told to wait by a process that ended too early, and stay."""
        while not await self._attempt_promises():
            await self.clock.sleep(_RETRY)
        await asyncio.get_running_loop().create_future()

    async def _attempt_promises(self) -> bool:
        try:
            await self._keep_promises()
        except BotError as error:
            logger.warning("chat: cannot tell yet what an earlier run promised: %s", error)
            return False
        return True

    async def _keep_promises(self) -> None:
        since = self.clock.now() - _NEWS
        promises = [each for each in await self.answers.promises() if each[1].written > since]
        if not promises:
            return
        under_way = set(self._under_way)  # what ends from here on is seen below
        begun = {job.origin for job in await self.operations.jobs(ALL_JOBS)}
        for request_id, promise in promises:
            if origin_of(request_id) not in begun | under_way:
                await self.answers.keep(request_id, promise, start_texts.never_begun())


def _command(request: Request, kind: JobKind, words: str, agreed: str) -> Command:
    """What *request* asks for; its words are the job's label, by which it can be begun again."""
    asked: dict[str, Any] = {
        "trigger": Trigger.CHAT,
        "actor": request.person.actor,
        "origin": request.origin,
        "label": words,
    }
    if kind is JobKind.DRILL:
        return RunDrill(**asked, backup=words or LATEST)
    if kind is JobKind.RESTORE:
        if words == UNDO:
            return RunRestore(**asked, undo=True, agreed=agreed)
        return RunRestore(**asked, backup=words, agreed=agreed)
    return RunBackup(**asked)
