"""A rehearsal's copy in memory: what each version does on it is a script."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.domain.errors import IntegrityError, PortError
from bot.domain.manifest import DatabaseFacts
from bot.domain.rehearsal import MigrationLook, RehearsedHop
from bot.domain.rehearsal_log import LastWords
from bot.domain.stack import Stack
from tests.fakes_stack import DUMP, make_facts
from tests.fakes_update_gate import FakeGateProbe

DONE = MigrationLook(0, rows=0, busy=False)
WORKING = MigrationLook(None, rows=1, busy=True)
STUCK = MigrationLook(None, rows=1, busy=False)


def failed(exit_code: int) -> MigrationLook:
    return replace(DONE, exit_code=exit_code)


@dataclass
class FakeMigration:
    """A CopiedMigration: each look is the next of `looks`, the last one for ever after."""

    looks: Sequence[MigrationLook] = (WORKING, DONE)
    lines: Sequence[str] = ()
    asked: int = 0

    async def look(self) -> MigrationLook:
        look = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        return look

    async def log(self) -> Sequence[str]:
        return self.lines


@dataclass
class FakeVersion:
    """What one version does on the copy; *leaves* is what its migrations make of the rows."""

    probe: FakeGateProbe
    migration: FakeMigration = field(default_factory=FakeMigration)
    leaves: DatabaseFacts | None = None
    words: Mapping[str, LastWords] = field(default_factory=dict)


@dataclass
class FakeCopy:
    """A StackCopy; `calls` is what was done on it, in order, and `running` what is not gone yet."""

    versions: Mapping[str, FakeVersion]
    dump: bytes = DUMP
    found: DatabaseFacts = field(default_factory=make_facts)
    lacks: str = ""
    breaks: Exception | None = None
    calls: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    sessions: bytes = b""

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        read = b"".join([block async for block in archive])
        if read != self.dump:
            raise IntegrityError("pg_restore cannot load the dump: could not read from input file")
        self.calls.append("load")

    async def load_sessions(self, rdb: AsyncIterator[bytes]) -> None:
        self.sessions = b"".join([block async for block in rdb])
        self.calls.append("load sessions")

    async def facts(self) -> DatabaseFacts:
        return self.found

    async def settle(self) -> None:
        self.calls.append("settle")

    @asynccontextmanager
    async def migration(self, hop: RehearsedHop) -> AsyncGenerator[FakeMigration]:
        async with self._running(f"migrate {hop.version}"):
            version = self.versions[str(hop.version)]
            self.found = version.leaves or self.found
            yield version.migration

    @asynccontextmanager
    async def application(self, hop: RehearsedHop) -> AsyncGenerator[FakeGateProbe]:
        async with self._running(f"start {hop.version}"):
            yield self.versions[str(hop.version)].probe

    async def last_words(self) -> Mapping[str, LastWords]:
        [started] = self.running
        return self.versions[started.removeprefix("start ")].words

    async def obstacle(self) -> str:
        return self.lacks

    @asynccontextmanager
    async def _running(self, what: str) -> AsyncGenerator[None]:
        assert not self.running, "two versions at once"
        self.calls.append(what)
        if self.breaks:
            raise self.breaks
        self.running.append(what)
        try:
            yield
        finally:
            self.running.remove(what)


@dataclass
class FakeRehearsals:
    """Rehearsals; `fails` is what making a copy raises."""

    made: FakeCopy
    fails: PortError | None = None
    removed: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def copy(self, stack: Stack, job_id: str) -> AsyncGenerator[FakeCopy]:
        assert stack.may_be_asked
        if self.fails:
            raise self.fails
        try:
            yield self.made
        finally:
            self.removed.append(job_id)
