"""Everything that a restore needs, in memory: a stack that has moved on since its backup."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

from bot.adapters.journal import Journal
from bot.domain.errors import PortError
from bot.domain.jobs import JobKind, Trigger
from bot.domain.messages import RunRestore
from bot.domain.restore_plan import Preview
from bot.services.backup import BackupService
from bot.services.damage_elsewhere import DamageNotes
from bot.services.gate import GatePatience
from bot.services.half_backups import HalfBackups
from bot.services.jobs import Jobs
from bot.services.ports import JobLog, Publish
from bot.services.restore import Restored, RestoreService
from bot.services.restore_dump import DumpRestoreService
from bot.services.restore_ports import Tools
from bot.services.restore_recovery import RestoreRecovery
from bot.services.restore_undo import UndoService
from bot.services.undo import Undo
from tests.fakes_restore import FakeHost, FakeWorkplace, QuickClock
from tests.fakes_stack import DUMP, tar_of
from tests.services.mortal import Life, Mortal
from tests.services.world import World

RESTORE = RunRestore(trigger=Trigger.CLI, actor="root")
UNDO = replace(RESTORE, undo=True)
OF_A_DUMP = replace(RESTORE, dump="/root/authentik.dump")
WRITES = frozenset({"begin", "plan", "commit", "step", "finish", "crashed"})
PATIENCE = GatePatience(stable=5, timeout=60)


async def agree(_: Preview) -> bool:
    return True


@dataclass
class GivenDump:
    """A DumpSource in memory, of blocks of *size*; with *breaks* it cannot be read to its end."""

    data: bytes
    size: int = 100_000
    breaks: bool = False
    name: str = '"authentik.dump"'
    closed: int = 0

    @property
    def total_bytes(self) -> int:
        return len(self.data)

    async def blocks(self) -> AsyncIterator[bytes]:
        try:
            for start in range(0, len(self.data), self.size):
                yield self.data[start : start + self.size]
            if self.breaks:
                raise PortError("read --dump: Input/output error")
        finally:
            self.closed += 1


@dataclass
class MortalWorkplace:
    """Tools that work as long as *life* goes on."""

    workplace: FakeWorkplace
    life: Life

    async def survey(self, *args: Any) -> Any:
        self.life.check()
        return await self.workplace.survey(*args)

    async def tools(self, *args: Any) -> Tools:
        self.life.check()
        tools = await self.workplace.tools(*args)
        parts = {
            name: Mortal(part, self.life) if part else None for name, part in vars(tools).items()
        }
        return Tools(**parts)  # type: ignore[arg-type]


@dataclass
class RestoreWorld(World):
    """*host* is what serves; *gate_clock* runs by itself."""

    workplace: Any = field(default_factory=FakeWorkplace)
    gate_clock: QuickClock = field(default_factory=QuickClock)
    undo_within: float = 20.0
    given: GivenDump = field(default_factory=lambda: GivenDump(DUMP))

    @property
    def host(self) -> FakeHost:
        host: FakeHost = self.workplace.host
        return host

    @property
    def jobs(self) -> Jobs:
        trusted = lambda: self.keyring.trusted  # noqa: E731
        recovery = RestoreRecovery(
            self.engine,
            HalfBackups(self.engine, self.stores, trusted),
            self.journal,
            self.gate_clock,
            self.workplace,
            PATIENCE,
        )
        undo = Undo(
            self.engine,
            self.stores,
            self.journal,
            self.clock,
            trusted,
            {JobKind.RESTORE: recovery.settle}.get,
        )
        return Jobs(
            self.journal,
            self.lock,
            undo,
            self.clock,
            [lambda *told: self.told.append(told)],
            undo_within=self.undo_within,
        )

    async def restore(self, command: RunRestore = RESTORE, confirm: Any = agree) -> Restored:
        """A restore or its undo, as a job."""

        async def work(job: JobLog, publish: Publish) -> Restored:
            if command.undo:
                return await self.undos(publish).run(job, confirm)
            if command.dump:
                return await self.dump_restores(publish).run(command, job, confirm)
            return await self.restores(publish).run(command, job, confirm)

        return await self.jobs.run(command, work, words=lambda restored: restored.words)

    async def undo_preview(self) -> Preview:
        """What an undo would take back."""
        return await self.undos().preview()

    def undos(self, publish: Publish = lambda _: None) -> UndoService:
        return UndoService(
            self.engine,
            self.stores,
            lambda: self.keyring.trusted,
            self.journal,
            self.gate_clock,
            publish,
            self.workplace,
            PATIENCE,
        )

    def restores(self, publish: Publish = lambda _: None) -> RestoreService:
        return RestoreService(
            self.engine,
            self.stores,
            self.keyring,
            self.gate_clock,
            publish,
            self.read_locks,
            self.workplace,
            PATIENCE,
            BackupService(self.engine, self.stores, self.keyring, self.clock, publish),
            damage=DamageNotes(self.stores, self.damage_log),
        )

    def dump_restores(self, publish: Publish = lambda _: None) -> DumpRestoreService:
        return DumpRestoreService(
            self.engine,
            self.given,
            self.keyring,
            self.gate_clock,
            publish,
            self.workplace,
            PATIENCE,
            BackupService(self.engine, self.stores, self.keyring, self.clock, publish),
        )


async def world_with_a_backup(**parts: Any) -> RestoreWorld:
    """A stack of 2025.2.4 whose good backup is of 2025.2.1."""
    world = RestoreWorld(**parts)
    world.engine.disk.archives = {
        path: tar_of({}, root=path.strip("/")) for path in world.engine.disk.archives
    }
    await world.run()
    world.told.clear()
    return world


def process(world: RestoreWorld, journal: Journal, life: Life) -> RestoreWorld:
    """Another process of the same bot: the same host, store, journal, keys; a life of its own."""
    return replace(
        world,
        store=Mortal(world.store, life),  # type: ignore[arg-type]
        engine=Mortal(world.engine, life),  # type: ignore[arg-type]
        journal=Mortal(journal.jobs, life, WRITES),
        workplace=MortalWorkplace(world.workplace, life),
        told=[],
    )
