"""Everything that an update and a rollback need, in memory."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bot.adapters.journal import Journal
from bot.domain.image_name import parse_image_name
from bot.domain.jobs import JobKind, Trigger
from bot.domain.messages import RunRollback, RunUpdate
from bot.domain.preflight_facts import StackState
from bot.domain.rollback import RollbackPreview
from bot.domain.stack import Stack
from bot.domain.update_gate import Judgement
from bot.domain.update_preview import UpdatePreview
from bot.domain.updated import Updated
from bot.services.backup import BackupService
from bot.services.half_backups import HalfBackups
from bot.services.jobs import Jobs
from bot.services.ports import JobLog, Publish
from bot.services.preflight import Preflight
from bot.services.restore_ports import Tools
from bot.services.rollback import (
    RollbackRecovery,
    RollbackService,
    RolledBack,
    WayBackDown,
    rolled_back_after_all,
)
from bot.services.undo import Undo
from bot.services.update import UpdateService, updated_after_all
from bot.services.update_check import UpdateCheck
from bot.services.update_memory import UpdateMemory
from bot.services.update_ports import AskWhoeverBegan, nobody_to_ask
from bot.services.update_recovery import UpdateRecovery
from tests.domain.test_preflight import stack as state_of
from tests.fakes_compose import FakeComposeDrift
from tests.fakes_restore import QuickClock
from tests.fakes_roll import (
    REPOSITORY,
    Behaviour,
    RollEvidence,
    RollGates,
    RollHost,
    RollProject,
    RollRehearsal,
    RollWorkplace,
)
from tests.fakes_stack import FakeFiles
from tests.fakes_update import FakeFeed, FakeImages, FakeRegistry
from tests.services.mortal import Life, Mortal
from tests.services.test_update_check import image
from tests.services.world import World

UPDATE = RunUpdate(trigger=Trigger.CLI, actor="root", tag="2025.4.4")
PATCH = replace(UPDATE, tag="2025.2.4")
FAR = replace(UPDATE, tag="2025.6.4")
ROLLBACK = RunRollback(trigger=Trigger.CLI, actor="root")
KEPT_FOR = timedelta(hours=72)
ASK_WITHIN = timedelta(minutes=10)
WRITES = frozenset({"begin", "plan", "commit", "note", "step", "finish", "crashed"})
MIGRATES = Behaviour(migrations=("new-4",))
BEHAVIOURS = {"2025.4.4": MIGRATES, "2025.6.4": Behaviour(migrations=("new-4", "new-6"))}


async def agree(_: UpdatePreview | RollbackPreview) -> bool:
    return True


async def nobody_answers(_: Judgement, __: datetime) -> bool:
    return False


@dataclass
class HostFiles(FakeFiles):
    """Of a host: its version is that of what runs."""

    host: RollHost = field(default_factory=RollHost)

    async def authentik_version(self) -> str | None:
        return self.host.running


@dataclass
class HostLook:
    """A PreflightLook of a host that is well, or what is *found* of one with its version."""

    host: RollHost
    outposts: tuple[str, ...] = ()
    found: Callable[[str], StackState] = state_of

    async def look(self, stack: Stack) -> StackState:  # noqa: ARG002 - there is one
        state = self.found(self.host.running)
        return replace(state, database=replace(state.database, outposts=self.outposts))


@dataclass
class MortalPlace:
    """Tools that work as long as *life* goes on."""

    workplace: RollWorkplace
    life: Life

    async def survey(self, *args: Any) -> Any:
        self.life.check()
        return await self.workplace.survey(*args)

    async def outposts(self, *args: Any) -> Any:
        self.life.check()
        return await self.workplace.outposts(*args)

    async def tools(self, *args: Any) -> Tools:
        self.life.check()
        tools = await self.workplace.tools(*args)
        parts = {
            name: Mortal(part, self.life) if part else None for name, part in vars(tools).items()
        }
        return Tools(**parts)  # type: ignore[arg-type]


@dataclass
class RollWorld(World):
    """*host* is what serves; *releases* remembers what failed."""

    host: RollHost = field(default_factory=lambda: RollHost(behaviours=dict(BEHAVIOURS)))
    workplace: Any = None
    life: Life = field(default_factory=Life)
    releases: Any = None
    gate_clock: QuickClock = field(default_factory=QuickClock)
    registry: Any = field(
        default_factory=lambda: FakeRegistry(
            parse_image_name(REPOSITORY),
            {tag: image(tag) for tag in ("2025.2.1", "2025.2.4", "2025.4.4", "2025.6.4")},
        )
    )
    ask_whoever_began: AskWhoeverBegan = lambda _: nobody_to_ask
    outposts: tuple[str, ...] = ()  # which nothing but a warning tells of
    found: Callable[[str], StackState] = state_of  # by the preflight
    guests: tuple[str, ...] = ()  # in the server's network
    in_step: FakeComposeDrift = field(default_factory=FakeComposeDrift)

    def __post_init__(self) -> None:
        self.workplace = self.workplace or RollWorkplace(self.host)
        self.host.pullable |= {f"{REPOSITORY}:{tag}" for tag in self.registry.images}
        if not isinstance(self.engine, Mortal):
            self.engine.disk = HostFiles(host=self.host)

    def mortal(self, target: Any) -> Any:
        """As long as the process lives."""
        return Mortal(target, self.life)

    @property
    def backups(self) -> HalfBackups:
        return HalfBackups(self.engine, self.stores, lambda: self.keyring.trusted)

    @property
    def way(self) -> WayBackDown:
        return WayBackDown(
            self.workplace, RollGates(self.host), self.project, self.gate_clock, KEPT_FOR
        )

    @property
    def project(self) -> Any:
        return self.mortal(RollProject(self.host))

    @property
    def memory(self) -> UpdateMemory:
        return UpdateMemory(self.mortal(self.releases), self.gate_clock)

    @property
    def jobs(self) -> Jobs:
        updates = UpdateRecovery(
            self.engine,
            self.journal,
            self.workplace,
            RollGates(self.host),
            self.project,
            self.mortal(RollEvidence(self.host)),
            self.memory,
            self.backups,
            self.gate_clock,
            KEPT_FOR,
            self.ask_whoever_began,
        )
        rollbacks = RollbackRecovery(
            self.engine, self.journal, self.way, self.backups, self.memory, self.gate_clock
        )
        settle = {JobKind.UPDATE: updates.settle, JobKind.ROLLBACK: rollbacks.settle}
        trusted = lambda: self.keyring.trusted  # noqa: E731
        undo = Undo(self.engine, self.stores, self.journal, self.clock, trusted, settle.get)
        listeners = [lambda *told: self.told.append(told)]
        return Jobs(self.journal, self.lock, undo, self.clock, listeners)

    def backup_service(self, publish: Publish) -> BackupService:
        return BackupService(self.engine, self.stores, self.keyring, self.clock, publish)

    def updates(self, publish: Publish = lambda _: None) -> UpdateService:
        check = UpdateCheck(
            self.engine,
            self.registry,
            FakeImages(),
            FakeFeed(),
            self.releases,
            self.journal,
            self.gate_clock,
            timedelta(days=3),
        )
        return UpdateService(
            self.engine,
            Preflight(
                check,
                HostLook(self.host, self.outposts, self.found),
                self.engine,
                self.stores,
                self.clock,
                self.project,
                self.in_step,
            ),
            self.workplace,
            RollGates(self.host),
            self.project,
            lambda _: self.mortal(RollRehearsal(self.host)),
            self.backup_service(publish),
            self.journal,
            self.memory,
            self.gate_clock,
            publish,
            ASK_WITHIN,
        )

    async def update(
        self, command: RunUpdate = UPDATE, confirm: Any = agree, ask: Any = nobody_answers
    ) -> Updated:
        """An update, as a job."""

        async def work(job: JobLog, publish: Publish) -> Updated:
            return await self.updates(publish).run(command, job, confirm, ask)

        after_all = partial(updated_after_all, self.clock)
        return await self.jobs.run(command, work, None, lambda done: done.words, after_all)

    def rollbacks(self, publish: Publish = lambda _: None) -> RollbackService:
        return RollbackService(
            self.engine,
            self.journal,
            self.way,
            self.backup_service(publish),
            self.memory,
            self.gate_clock,
            publish,
            self._guests,
        )

    async def _guests(self, _: Stack) -> tuple[str, ...]:
        return self.guests

    async def roll_back(self, command: RunRollback = ROLLBACK, confirm: Any = agree) -> RolledBack:
        """A rollback, as a job."""

        async def work(job: JobLog, publish: Publish) -> RolledBack:
            return await self.rollbacks(publish).run(command, job, confirm)

        after_all = partial(rolled_back_after_all, self.clock)
        return await self.jobs.run(command, work, None, lambda done: done.words, after_all)


def world_of(journal: Journal, **parts: Any) -> RollWorld:
    """A stack of 2025.2.1 that people use, with the real journal."""
    return RollWorld(journal=journal.jobs, releases=journal.releases, **parts)


def process(world: RollWorld, journal: Journal, life: Life) -> RollWorld:
    """Another process of the same bot: the same host, store, journal, keys; a life of its own."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
        journal=Mortal(journal.jobs, life, WRITES),
        workplace=MortalPlace(RollWorkplace(world.host), life),
        life=life,
        told=[],
    )
