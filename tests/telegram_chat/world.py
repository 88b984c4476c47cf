"""A chat between people and the bot: the real library, a strict Bot API, time turned by hand."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, TypeVar, cast

from hypothesis.vendor.pretty import RepresentationPrinter

from bot.domain.agenda import Plan
from bot.domain.backup_id import SUFFIX_ALPHABET, BackupId, make_backup_id
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.errors import BotError, BusyError, RefusedError, UpToDateError
from bot.domain.incident import Incident
from bot.domain.incident_history import PastIncident
from bot.domain.jobs import Job, JobKind, JobState, Outcome, as_it_stands, describe
from bot.domain.messages import (
    Command,
    Event,
    JobBegan,
    JobEnded,
    RunRestore,
    RunRollback,
    RunUpdate,
)
from bot.domain.report import report_of
from bot.domain.report_facts import Facts
from bot.domain.restore_plan import Preview
from bot.domain.roles import Access, ChatPlace
from bot.domain.rollback import RollbackPreview
from bot.domain.schedule import Schedule
from bot.domain.stack import Container, Role, Stack
from bot.domain.stopping import can_stop
from bot.domain.update_outlook import Target
from bot.domain.update_preview import UpdatePreview
from bot.entrypoints.telegram.chat import Chat
from bot.services.charts import Charts
from bot.services.jobs import Listener
from bot.services.journal_ports import Inbox, Moves, OrderLog, Outbox, Questions
from bot.services.looks import Span, VersionsNow, container_of
from bot.services.orders import Orders
from bot.services.ports import Publish
from bot.services.reports import Reported
from bot.services.verify import Verified
from tests.bot_api.chats import Chat as TelegramChat
from tests.bot_api.chats import Message
from tests.bot_api.people import Person
from tests.bot_api.server import BotApi
from tests.fakes_charts import FakeGauge, FakePainter
from tests.fakes_cure import FakeCureLog
from tests.fakes_stack import FakePause
from tests.telegram_chat.rest import Counted, Rest

TOKEN = "4242:AAF-this_is_the_secret_part"
OTHER_TOKEN = "4242:BBF-nobody_knows_this_one"
ANNA, BORIS, OLGA, VERA, STRANGER = 42, 43, 44, 45, 66
"""Two admins, an operator, a viewer, and nobody."""
LONG_ENOUGH = 300.0
"""Seconds for all that was set going; how many it takes a busy machine says nothing of the bot."""
_RESTLESS = 1000  # looks, of a hundredth of a second and more
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PLANS = [
    Plan("backup", "AKBOT_BACKUP_SCHEDULE", Schedule("30 3 * * *", UTC)),
    Plan("drill", "AKBOT_DRILL_SCHEDULE", None),
]

Found = TypeVar("Found")
Part = TypeVar("Part")


class TurnedClock:
    """A Clock whose time passes when the test says so."""

    def __init__(self) -> None:
        self._passed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []
        self._counter = 0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return 1000.0 + self._passed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        waker = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._passed + seconds, waker))
        await waker

    def is_awaited(self, seconds: float) -> bool:
        """Whether somebody sleeps whom so many seconds from now will wake."""
        return any(at == self._passed + seconds and not w.done() for at, w in self._sleepers)

    def random_text(self, alphabet: str, length: int) -> str:
        self._counter += 1
        digits = []
        rest = self._counter
        for _ in range(length):
            rest, digit = divmod(rest, len(alphabet))
            digits.append(alphabet[digit])
        return "".join(digits)

    def advance(self, seconds: float = 0, *, hours: float = 0) -> None:
        self._passed += seconds + hours * 3600
        due = [waker for at, waker in self._sleepers if at <= self._passed]
        self._sleepers = [each for each in self._sleepers if each[0] > self._passed]
        for waker in due:
            if not waker.done():
                waker.set_result(None)


@dataclass
class ToldOperations:
    """Operations of which the test tells what happens; like the journal they outlive a chat."""

    clock: TurnedClock
    all_jobs: list[Job] = field(default_factory=list)
    records: Sequence[BackupRecord] = ()
    starts: list[Command] = field(default_factory=list)  # asked for, begun or not
    commands: list[Command] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    failure: Exception | None = None
    begun_but_silent: asyncio.Event | None = None
    held: asyncio.Event | None = None  # nothing begins before it is set
    is_killed: bool = False  # the process of what runs, of which nothing is settled yet
    health: str = "healthy"
    listing: asyncio.Event | None = None  # the store lists nothing before it is set
    verified: list[str] = field(default_factory=list)
    publish: Publish = field(default=lambda _: None)  # of what is read back now
    reading: asyncio.Event | None = None  # no backup is read to its end before it is set
    damage: Exception | None = None
    asked: list[RunRestore] = field(default_factory=list)
    looking: asyncio.Event | None = None  # no plan is made before it is set
    preview: Preview | None = None

    async def pin(self, wanted: str, *, pinned: bool) -> BackupRecord:
        if self.failure:
            raise self.failure
        record = choose(self.records, wanted)
        changed = replace(record, pinned=pinned)
        self.records = [changed if each.id == record.id else each for each in self.records]
        return changed

    async def start(self, command: Command) -> Job:
        """It goes on by itself, whether or not anybody waits for it."""
        self.starts.append(command)
        return await asyncio.shield(asyncio.ensure_future(self._start(command)))

    async def _start(self, command: Command) -> Job:
        if self.held:
            await self.held.wait()
        if self.failure:
            raise self.failure
        if running := self._running():
            raise BusyError(f"busy: {describe(running)}")
        self.commands.append(command)
        job = self.begin(command)
        if self.begun_but_silent:
            self.begun_but_silent.set()
            await asyncio.get_running_loop().create_future()
        return job

    def begin(self, command: Command) -> Job:
        now = self.clock.now()
        job = Job(
            id=make_backup_id(now, self.clock.random_text(SUFFIX_ALPHABET, 4)),
            kind=command.kind,
            trigger=command.trigger,
            actor=command.actor,
            started=now,
            origin=command.origin,
            label=command.label,
        )
        self.all_jobs.insert(0, job)
        self.tell(JobBegan(job))
        return job

    def tell(self, event: Event) -> None:
        for listener in self.listeners:
            listener(self.all_jobs[0], event)

    def end(self, state: JobState = JobState.DONE, message: str = "", *, swept: bool = True) -> Job:
        ended = self.all_jobs[0].ending(Outcome(state, message, swept), self.clock.now())
        self.all_jobs[0] = ended
        self.tell(JobEnded(ended))
        return ended

    async def cancel(self, actor: str, kinds: Collection[JobKind]) -> Job | None:
        if (running := self._running()) and running.kind in kinds:
            if can_stop(running):
                self.cancelled.append(actor)
            return running
        return None

    async def jobs(self, limit: int) -> Sequence[Job]:
        return self.all_jobs[:limit]

    async def jobs_as_they_stand(self, limit: int) -> Sequence[Job]:
        return [
            as_it_stands(job, somebody_works=not self.is_killed) for job in self.all_jobs[:limit]
        ]

    async def job(self, job_id: str) -> Job | None:
        return next((job for job in self.all_jobs if job.id == job_id), None)

    async def backups(self) -> Sequence[BackupRecord]:
        if self.listing:
            await self.listing.wait()
        self._fail()
        return self.records

    async def verify(self, wanted: str, publish: Publish) -> Verified:
        self.verified.append(wanted)
        self.publish = publish
        if self.reading:
            await self.reading.wait()
        if self.damage:
            raise self.damage
        return Verified(wanted, decrypted=True, deep=False, stored_size=215_000_000)

    async def plan_restore(self, command: RunRestore) -> Preview:
        self.asked.append(command)
        if self.looking:
            await self.looking.wait()
        self._fail()
        if self.preview is None:
            raise RefusedError("there is no restore to take back", hint="Restore one instead.")
        if command.undo:
            return self.preview
        return replace(self.preview, backup_id=BackupId(command.backup))

    async def stack(self) -> Stack:
        self._fail()
        return make_stack(self.health)

    def _fail(self) -> None:
        if self.failure:
            raise self.failure

    def _running(self) -> Job | None:
        return next((job for job in self.all_jobs if job.state is JobState.RUNNING), None)


@dataclass
class ToldRolls:
    """Rolls of which the test tells what they find; *failure* is what every look raises."""

    update: UpdatePreview | None = None
    rollback: RollbackPreview | None = None
    failure: Exception | None = None
    unfit: Exception | None = None  # as long as the compose files are not changed
    words: str = ""
    targets_found: Sequence[Target] = ()
    asked: list[RunUpdate | RunRollback] = field(default_factory=list)

    async def preview(self, command: RunUpdate) -> UpdatePreview:
        self.asked.append(command)
        if self.failure:
            raise self.failure
        if self.unfit and not command.apply_compose:
            raise self.unfit
        if self.update is None:
            raise UpToDateError("2025.4.4 runs, and nothing newer is wanted. Nothing was changed.")
        diff = self.update.diff if command.apply_compose else ""
        warnings = () if command.apply_compose else self.update.warnings
        return replace(self.update, diff=diff, warnings=warnings)

    async def targets(self) -> Sequence[Target]:
        if self.failure:
            raise self.failure
        return self.targets_found

    async def rollback_preview(self, command: RunRollback) -> RollbackPreview:
        self.asked.append(command)
        if self.failure:
            raise self.failure
        if self.rollback is None:
            raise RefusedError("there is no update to take back", hint="Restore a backup instead.")
        return self.rollback

    async def last_words(self, job: BackupId) -> str:
        if self.failure:
            raise self.failure
        return self.words and f"{self.words} {job}"


@dataclass
class ToldReporter:
    """A Reporter of what the test has told of jobs and backups, and *incidents*."""

    clock: TurnedClock
    operations: ToldOperations
    incidents: Sequence[PastIncident] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Exception | None = None
    asked: list[timedelta] = field(default_factory=list)

    async def run(self, length: timedelta, within: float = 0) -> Reported:  # noqa: ARG002
        self.asked.append(length)
        if self.failure:
            raise self.failure
        now, records = self.clock.now(), self.operations.records
        facts = Facts(
            begin=now - length,
            now=now,
            installed=now - timedelta(days=30),
            serving={"server", "postgresql"},
            jobs=self.operations.all_jobs,
            incidents=self.incidents,
            records=records,
        )
        return Reported(report_of(replace(facts, **self.facts)), records)


VERSIONS = VersionsNow(
    "1.0", "2025.4.1", "ghcr.io/goauthentik/server:2025.4.1", "sha256:" + "ab" * 32, None
)


@dataclass
class ToldLookout:
    """A Lookout of which the test tells what it finds; *asked* are the logs that were looked at."""

    now: VersionsNow = VERSIONS
    lines: Sequence[str] = ()
    failure: Exception | None = None
    asked: list[tuple[str, int, Span | None]] = field(default_factory=list)

    async def versions(self) -> VersionsNow:
        if self.failure:
            raise self.failure
        return self.now

    async def log(
        self, service: str, lines: int, span: Span | None = None
    ) -> tuple[Container, Sequence[str]]:
        self.asked.append((service, lines, span))
        if self.failure:
            raise self.failure
        return container_of(make_stack(), service), self.lines[-lines:]


def make_stack(health: str = "healthy") -> Stack:
    def container(service: str) -> Container:
        return Container(
            id=service * 3,
            service=service,
            name=f"authentik-{service}-1",
            image="image",
            image_id="sha256:1",
            image_digest=None,
            state="running",
            health=health,
            restarts=0,
            address="172.18.0.2",
        )

    return Stack(
        project="authentik",
        postgresql=container("postgresql"),
        redis=container("redis"),
        server=container("server"),
        worker=replace(container("worker"), state="exited", health="", restarts=3),
        working_dir="/srv",
        config_files=(),
    )


@dataclass
class World:
    """Telegram, a journal, time, and the chats that come and go in between."""

    telegram: BotApi
    inbox: Inbox
    outbox: Outbox
    questions: Questions
    moves: Moves
    order_log: OrderLog
    clock: TurnedClock = field(default_factory=TurnedClock)
    zone: tzinfo = UTC
    token: str = TOKEN
    allowed: frozenset[int] = frozenset({ANNA, BORIS})
    operators: frozenset[int] = frozenset({OLGA})
    viewers: frozenset[int] = frozenset({VERA})
    groups: frozenset[ChatPlace] = frozenset()
    alerts: tuple[ChatPlace, ...] = ()
    pause: FakePause = field(default_factory=FakePause)
    muted_until: datetime | None = None
    incidents: Sequence[Incident] = ()
    mute_fails: BotError | None = None
    cures: FakeCureLog = field(default_factory=FakeCureLog)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.rest = Rest(self.telegram)
        self.lookout = ToldLookout()
        self.operations = ToldOperations(self.clock)
        self.rolls = ToldRolls()
        self.gauge, self.painter = FakeGauge(), FakePainter()
        self.reporter = ToldReporter(self.clock, self.operations)
        self.anna = self.telegram.user(ANNA, "Anna")
        self.boris = self.telegram.user(BORIS, "Boris")
        self.olga = self.telegram.user(OLGA, "Olga")
        self.vera = self.telegram.user(VERA, "Vera")
        self.stranger = self.telegram.user(STRANGER, "Mallory")

    def _repr_pretty_(self, printer: RepresentationPrinter, _: object) -> None:
        """Short, where Hypothesis names it: all that was ever said hangs on it."""
        printer.text("the world")

    async def past_incidents(self, since: datetime) -> Sequence[PastIncident]:  # noqa: ARG002
        return self.reporter.incidents

    async def open_incidents(self) -> Sequence[Incident]:
        return self.incidents

    async def mute(self, until: datetime) -> None:
        if self.mute_fails:
            raise self.mute_fails
        self.muted_until = until

    def chat(self) -> Chat:
        """A new process on the same journal."""
        chat = Chat(
            token=self.token,
            base_url=self.telegram.base_url,
            access=Access.of(self.allowed, self.operators, self.viewers, self.groups, self.alerts),
            operations=self.operations,
            rolls=self.rolls,
            lookout=self.lookout,
            charts=Charts(
                self.operations.jobs,
                self.past_incidents,
                {"server", "postgresql"},
                self.clock,
                self.gauge,
                self.painter,
                self.zone,
            ),
            reporter=self.reporter,
            inbox=self._counted(self.inbox),
            outbox=self._counted(self.outbox),
            questions=self._counted(self.questions),
            moves=self._counted(self.moves),
            plans=PLANS,
            pause=self.pause,
            mute=self.mute,
            muted_until=lambda: self.muted_until,
            orders=Orders(self._counted(self.order_log), self.clock),
            open_incidents=self.open_incidents,
            cures=self.cures,
            restarts=self.restarts,
            roles={each.value: each for each in Role},
            clock=self.clock,
            zone=self.zone,
        )
        self.operations.listeners = [chat.listener]
        return chat

    def _counted(self, part: Part) -> Part:
        return cast("Part", Counted(part, self.rest.calls))

    @asynccontextmanager
    async def talking(self, *, listening: bool = True) -> AsyncIterator[Chat]:
        """A chat that runs until the block ends, as suddenly as a cancellation is."""
        chat = self.chat()
        running = asyncio.create_task(chat.run())
        try:
            if listening:
                await self.telegram.until(lambda: self.telegram.updates.polled)
            yield chat
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            self.telegram.updates.terminate_poll()

    async def asks(
        self, person: Person, text: str, chat: TelegramChat | None = None, thread: int | None = None
    ) -> Message:
        """Say *text* and return the bot's next message in that chat."""
        place = chat or person.chat
        before = len(place.from_bot)
        person.says(text, place, thread=thread)
        await self.telegram.until(lambda: len(place.from_bot) > before)
        return place.from_bot[before]

    async def said(self, words: str, chat: TelegramChat | None = None) -> Message:
        """The newest message of the bot that shows *words*, to Anna or in *chat*, once it does."""
        place = chat or self.anna.chat
        await self.eventually(lambda: place.saying(words))
        message = place.saying(words)
        assert message
        return message

    async def eventually(self, condition: Callable[[], Found], *, seconds: float = 1) -> Found:
        """Turn time on until *condition* is true, so that pauses of the bot pass."""

        async def is_true() -> bool:
            return bool(self.telegram.comes(condition, 0))

        await self.until(is_true, seconds)
        return await self.telegram.until(condition, 0)

    async def all_sent(self, passing: float = 1) -> None:
        """Wait until the journal knows of every message that it has arrived or never can."""

        async def sent() -> bool:
            return not await self.outbox.waiting()

        await self.until(sent, passing)

    async def all_handled(self, passing: float = 1) -> None:
        """Wait until every update was fetched, handled and confirmed, and the bot listens again."""
        updates = self.telegram.updates

        async def handled() -> bool:
            listens = updates.polled and not updates.pending
            return listens and not await self.inbox.unhandled()

        await self.until(handled, passing)

    async def until(self, is_over: Callable[[], Awaitable[bool]], passing: float) -> None:
        """Turn time on by *passing* seconds whenever the bot can do nothing else than wait.

        What is tried again, and what keeps the pace of a group, goes by this clock alone. While
        the bot works it stands still: how long that takes says only how busy the machine is.
        """
        restless, give_up = 0, time.monotonic() + LONG_ENOUGH
        while not await is_over():
            assert time.monotonic() < give_up, self.telegram.transcript()
            restless += 1
            if await self.rest.has_come() or restless > _RESTLESS:
                self.clock.advance(passing)
                restless = 0
            await asyncio.sleep(0.01)
