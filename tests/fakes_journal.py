"""The journal in memory; the contract tests hold it to the same promises as the real one."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from bot.domain.backup_id import BackupId
from bot.domain.errors import BusyError, PortError
from bot.domain.jobs import Job, JobState, Outcome
from bot.domain.orders import Order, Unmet
from bot.domain.stopping import can_stop
from bot.services.journal_ports import NUMBERED_ANEW, Buttons, Incoming, Message, Question, Queued
from tests.fakes_update import FakeReleaseLog


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


@dataclass
class FakeInbox:
    """An Inbox in memory."""

    updates: dict[int, Incoming] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    offset: int = 0
    newest: datetime | None = None

    async def store(
        self,
        updates: Sequence[Mapping[str, Any]],
        received: datetime,
        done: Collection[int] = (),
    ) -> None:
        if updates and self.newest and self.newest < received - NUMBERED_ANEW:
            self.offset = 0
        for update in updates:
            number = update["update_id"]
            if number not in self.updates:
                self.updates[number] = Incoming(number, update, received)
                self.done |= {number} & set(done)
            self.offset = max(self.offset, number + 1)
            self.newest = received

    async def next_offset(self, now: datetime) -> int:
        return 0 if self.newest and self.newest < now - NUMBERED_ANEW else self.offset

    async def unhandled(self) -> Sequence[Incoming]:
        return [self.updates[number] for number in sorted(self.updates.keys() - self.done)]

    async def handled(self, update_id: int) -> None:
        self.done.add(update_id)

    def days(self) -> Collection[date]:
        return {_day(each.received) for each in self.updates.values()}

    def forget(self, before: datetime) -> None:
        for number in self.done & self.updates.keys():
            if self.updates[number].received < before:
                del self.updates[number]
                self.done.discard(number)


@dataclass
class FakeOutbox:
    """An Outbox in memory; `dropped` are the reasons, by number."""

    messages: dict[int, Queued] = field(default_factory=dict)
    dropped: dict[int, str] = field(default_factory=dict)
    last: int = 0

    async def put(self, message: Message, written: datetime) -> bool:
        if await self.find(message.key):
            return False
        self.last += 1
        self.messages[self.last] = Queued(self.last, message, written)
        return True

    async def change(self, key: str, text: str, buttons: Buttons = ()) -> None:
        if queued := await self.find(key):
            message = replace(queued.message, text=text, buttons=buttons)
            differs = queued.message_id is not None and message != queued.message
            self.messages[queued.number] = replace(
                queued, message=message, stale=queued.stale or differs
            )

    async def waiting(self) -> Sequence[Queued]:
        return [each for each in self.messages.values() if self._waits(each)]

    def _waits(self, queued: Queued) -> bool:
        return queued.number not in self.dropped and (queued.message_id is None or queued.stale)

    async def attempt(self, number: int) -> None:
        if number in self.messages:
            self.messages[number] = replace(self.messages[number], attempted=True)

    async def sent(
        self, number: int, message_id: int, shown: Message, kept: str | None = None
    ) -> None:
        if queued := self.messages.get(number):
            wanted = (queued.message.text, queued.message.buttons)
            text = kept if kept and wanted[0] == shown.text else wanted[0]
            self.messages[number] = replace(
                queued,
                message=replace(queued.message, text=text, picture=None, thread=shown.thread),
                attempted=False,
                message_id=message_id,
                stale=wanted != (shown.text, shown.buttons),
            )

    async def arrived(self, message: Message, message_id: int, written: datetime) -> None:
        if await self.put(message, written):
            self.messages[self.last] = replace(self.messages[self.last], message_id=message_id)

    async def drop(self, number: int, reason: str) -> None:
        if number in self.messages:
            queued = self.messages[number]
            message = replace(queued.message, picture=None)
            self.messages[number] = replace(queued, message=message, dropped=True)
            self.dropped[number] = reason

    async def find(self, key: str) -> Queued | None:
        return next((each for each in self.messages.values() if each.message.key == key), None)

    async def at(self, chat: int, message_id: int) -> Queued | None:
        there = [
            each
            for each in self.messages.values()
            if (each.message.chat, each.message_id) == (chat, message_id)
        ]
        return there[-1] if there else None

    async def people(self) -> Collection[int]:
        chats = {each.message.chat for each in self.messages.values()}
        return {chat for chat in chats if chat > 0}

    async def last_arrived(self, chat: int) -> int:
        arrived = (
            each.number
            for each in self.messages.values()
            if each.message.chat == chat and each.message_id is not None
        )
        return max(arrived, default=0)

    async def given_up(self, chat: int) -> Sequence[Queued]:
        last = await self.last_arrived(chat)
        return [
            each
            for number, each in self.messages.items()
            if number > last
            and each.message.chat == chat
            and each.dropped
            and each.message_id is None
        ]

    async def named(self, prefix: str) -> Sequence[Queued]:
        return [each for each in self.messages.values() if each.message.key.startswith(prefix)]

    def days(self) -> Collection[date]:
        return {_day(each.written) for each in self.messages.values()}

    def forget(self, before: datetime) -> None:
        for number, queued in list(self.messages.items()):
            if queued.written < before and not self._waits(queued):
                del self.messages[number]
                self.dropped.pop(number, None)


@dataclass
class FakeQuestions:
    """Questions in memory."""

    questions: dict[str, tuple[Question, str]] = field(default_factory=dict)

    async def ask(self, question: Question) -> None:
        if question.id in self.questions:
            raise _known()
        self.questions[question.id] = question, ""

    async def find(self, question_id: str) -> tuple[Question, str] | None:
        return self.questions.get(question_id)

    async def worded(self, word: str, person: int, chat: int) -> Sequence[tuple[Question, str]]:
        fitting = [
            (question, answer)
            for question, answer in self.questions.values()
            if (question.word, question.person, question.chat) == (word, person, chat)
        ]
        return sorted(fitting, key=lambda each: each[0].expires, reverse=True)

    async def answer(self, question_id: str, choice: str) -> bool:
        question, answer = self.questions.get(question_id, (None, ""))
        if question is None or answer:
            return False
        self.questions[question_id] = question, choice
        return True

    def days(self) -> Collection[date]:
        return ()

    def forget(self, before: datetime) -> None:
        for question, _ in list(self.questions.values()):
            if question.expires < before:
                del self.questions[question.id]


@dataclass
class FakeJobJournal:
    """A JobJournal in memory; `compact` makes the conversation's parts forget as well."""

    rows: dict[str, Job] = field(default_factory=dict)
    conversation: list["FakeInbox | FakeOutbox | FakeQuestions | FakeOrderLog"] = field(
        default_factory=list
    )

    async def begin(self, job: Job) -> None:
        if job.id in self.rows:
            raise _known()
        self.rows[job.id] = job

    async def plan(self, job_id: str, plan: Mapping[str, str]) -> None:
        self._change(job_id, plan={**self.rows[job_id].plan, **plan})

    async def commit(self, job_id: str, plan: Mapping[str, str]) -> str:
        if not self.rows[job_id].cancelled_by:
            await self.plan(job_id, plan)
        return self.rows[job_id].cancelled_by

    async def note(self, job_id: str, plan: Mapping[str, str]) -> None:
        await self.plan(job_id, plan)

    async def step(self, job_id: str, step: str) -> None:
        self._change(job_id, step=step)

    async def progress(self, job_id: str, words: str, share: float | None) -> str:
        return self._change(job_id, progress=words, share=share).cancelled_by

    async def ask_to_cancel(self, job_id: str, actor: str) -> Job | None:
        job = self.rows.get(job_id)
        if job is None or job.state is not JobState.RUNNING:
            return None
        if not can_stop(job):
            return job
        return self._change(job_id, cancelled_by=job.cancelled_by or actor)

    async def crashed(self, job_id: str) -> Job:
        return self._change(job_id, crashes=self.rows[job_id].crashes + 1)

    async def finish(self, job_id: str, outcome: Outcome, ended: datetime) -> None:
        self._change(job_id, **vars(outcome), ended=ended)

    async def job(self, job_id: str) -> Job | None:
        return self.rows.get(job_id)

    async def jobs(self, limit: int = 20) -> Sequence[Job]:
        return list(reversed(self.rows.values()))[:limit]

    async def open_jobs(self) -> Sequence[Job]:
        rows = self.rows.values()
        return [job for job in rows if not job.swept and job.state is not JobState.STUCK]

    async def stuck_jobs(self) -> Sequence[Job]:
        return [job for job in self.rows.values() if job.state is JobState.STUCK]

    async def days(self) -> Collection[date]:
        ends = {_day(job.ended) for job in self.rows.values() if job.ended}
        return ends.union(*(part.days() for part in self.conversation))

    async def compact(self, before: datetime) -> int:
        for part in self.conversation:
            part.forget(before)
        gone = [job for job in self.rows.values() if _is_over(job, before)]
        for job in gone:
            del self.rows[job.id]
        return len(gone)

    def _change(self, job_id: str, **changes: Any) -> Job:
        self.rows[job_id] = replace(self.rows[job_id], **changes)
        return self.rows[job_id]


@dataclass
class FakeOrderLog:
    """An OrderLog in memory."""

    noted: dict[str, Order] = field(default_factory=dict)

    async def begin(self, order: Order) -> None:
        self.noted[order.id] = order

    async def note(self, order: Order) -> None:
        if order.id not in self.noted or self.noted[order.id].ended is None:
            self.noted[order.id] = order

    async def withdraw(self, order_id: str) -> None:
        self.noted.pop(order_id, None)

    async def running(self) -> Sequence[Order]:
        return [order for order in self.noted.values() if order.ended is None]

    async def orders(self, limit: int, *, unmet: bool = False) -> Sequence[Order]:
        found = [each for each in self.noted.values() if isinstance(each.state, Unmet) is unmet]
        return found[::-1][:limit]

    def days(self) -> Collection[date]:
        return {_day(each.ended) for each in self.noted.values() if each.ended}

    def forget(self, before: datetime) -> None:
        for order in list(self.noted.values()):
            if order.ended and order.ended < before:
                del self.noted[order.id]


@dataclass
class FakeLock:
    """A JobLock within one process; `held` may be set for another that is in the way."""

    held: bool = False

    @asynccontextmanager
    async def hold(self, job: Job | None) -> AsyncIterator[None]:  # noqa: ARG002 - names none
        if self.held:
            raise BusyError("busy: another job runs")
        self.held = True
        try:
            yield
        finally:
            self.held = False


@dataclass
class FakeReadLocks:
    """ReadLocks within one process; `read` counts the readers of each backup."""

    read: dict[str, int] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def reading(self, backup_id: BackupId) -> AsyncIterator[None]:
        if backup_id in self.deleted:
            raise BusyError(f'backup "{backup_id}" is being deleted', hint="Try again later.")
        self.read[backup_id] = self.read.get(backup_id, 0) + 1
        try:
            yield
        finally:
            self.read[backup_id] -= 1

    @asynccontextmanager
    async def deleting(self, backup_id: BackupId) -> AsyncIterator[None]:
        if self.read.get(backup_id) or backup_id in self.deleted:
            raise BusyError(f'backup "{backup_id}" is being read', hint="Try again later.")
        self.deleted.add(backup_id)
        try:
            yield
        finally:
            self.deleted.discard(backup_id)


class FakeJournal:
    """All parts, as `Journal` has them."""

    def __init__(self) -> None:
        self._inboxes: dict[str, FakeInbox] = {}
        self.outbox = FakeOutbox()
        self.questions = FakeQuestions()
        self.releases = FakeReleaseLog()
        self.orders = FakeOrderLog()
        self.jobs = FakeJobJournal(conversation=[self.outbox, self.questions, self.orders])

    def inbox(self, bot: str) -> FakeInbox:
        if bot not in self._inboxes:
            self._inboxes[bot] = FakeInbox()
            self.jobs.conversation.append(self._inboxes[bot])
        return self._inboxes[bot]

    async def close(self) -> None:
        """Memory needs no closing."""


def _known() -> PortError:
    return PortError("write the journal: there is one of that name already", retryable=True)


def _is_over(job: Job, before: datetime) -> bool:
    over = job.swept and job.state is not JobState.RUNNING and not job.plan.get("kept")
    return over and job.ended is not None and job.ended < before
