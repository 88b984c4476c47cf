"""Everything that a backup depends on, looked at one by one; no check stops another."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.daemon_report import judge_daemon, judge_stuck
from bot.domain.database_rights import judge_outside, judge_rights
from bot.domain.drill import judge_drills
from bot.domain.errors import BotError
from bot.domain.findings import (
    DiskUsage,
    Finding,
    Level,
    database_mount,
    judge_clock,
    judge_disk,
    judge_service,
    judge_shared_disk,
    judge_spread,
)
from bot.domain.jobs import ALL_JOBS
from bot.domain.kit_record import judge_kit
from bot.domain.leftovers import judge_leftovers
from bot.domain.pause import judge_pause
from bot.domain.schedule import Schedule
from bot.domain.stack import Role, Stack
from bot.services.drill_history import DrillHistory
from bot.services.journal_ports import JobJournal
from bot.services.pipeline import ending
from bot.services.ports import (
    Clock,
    DaemonStatus,
    Disk,
    Engine,
    KeyFacts,
    KitLog,
    PauseMark,
    State,
)
from bot.services.store_probe import StoreProbe
from bot.services.stores import Place, Stores

_WITHIN = 60.0


@dataclass(frozen=True)
class CheckService:
    """`akbot check`; *keys* looks at key files and settings without making any."""

    engine: Engine
    stores: Stores
    disk: Disk
    clock: Clock
    daemon: DaemonStatus
    keys: Callable[[], KeyFacts]
    kit: KitLog
    kit_reminder: timedelta
    state: State
    pause: PauseMark
    journal: JobJournal
    drills: DrillHistory
    plan_of_drills: Schedule | None
    stack_name: str | None = None

    async def run(self) -> list[Finding]:
        """All findings, in the order in which a person would look."""
        stack: Stack | None = None
        findings: list[Finding] = []
        try:
            async with asyncio.timeout(_WITHIN):
                stack = await self.engine.find_stack()
            findings.append(Finding("docker", Level.OK, f'found the stack "{stack.project}"'))
        except (BotError, TimeoutError) as error:
            findings.append(_failed("docker", error))
        if stack:
            findings += await self._stack(stack)
        for place in self.stores.places:
            findings += await self._store(place)
        findings += await self._guarded("state", self._state)
        findings += await self._guarded("pause", self._pause)
        findings += await self._guarded("keys", self._keys)
        findings += await self._guarded("recovery kit", self._kit)
        findings += await self._guarded("clock", lambda: self._backups(stack))
        findings += await self._guarded("disk", lambda: self._disks(stack))
        findings += await self._guarded("daemon", self._daemon)
        return findings

    async def _guarded(
        self, subject: str, check: Callable[[], Awaitable[Sequence[Finding]]]
    ) -> Sequence[Finding]:
        try:
            async with asyncio.timeout(_WITHIN):
                return await check()
        except (BotError, TimeoutError) as error:
            return [_failed(subject, error)]

    async def _stack(self, stack: Stack) -> list[Finding]:
        containers = {
            Role.POSTGRESQL: stack.postgresql,
            Role.REDIS: stack.redis,
            Role.SERVER: stack.server,
            Role.WORKER: stack.worker,
        }
        findings = [
            judge_service(role, each)
            for role, each in containers.items()
            if each or role is not Role.POSTGRESQL
        ]
        if stack.postgresql is None:
            findings.insert(0, judge_outside(stack.database_host))
        if stack.may_be_asked:
            findings += await self._guarded("database", lambda: self._database(stack))
            findings += await self._guarded("leftovers", lambda: self._leftovers(stack))
        if stack.redis and stack.redis.running:
            findings += await self._guarded("sessions", lambda: self._sessions(stack))
        findings += await self._guarded("authentik", lambda: self._authentik(stack))
        findings += await self._guarded("project", lambda: self._project(stack))
        return findings

    async def _database(self, stack: Stack) -> list[Finding]:
        database = self.engine.database(stack)
        async with database.snapshot() as snapshot:
            server = snapshot.server
            rights = judge_rights(await database.rights())
        size = server.database_size / 1e6
        how = "by pg_dump itself" if server.has_zstd else "by akbot"
        return [
            Finding(
                "database",
                Level.OK,
                f'PostgreSQL {server.version}, "{server.database}" has {size:.0f} MB,'
                f" compressed {how}",
            ),
            Finding("transport", Level.OK, f"dumps leave by {await database.way_out()}"),
            *([rights] if rights else []),
        ]

    async def _leftovers(self, stack: Stack) -> list[Finding]:
        found = await self.engine.database(stack).databases()
        service = stack.postgresql.service if stack.postgresql else ""
        return judge_leftovers(found, service, await self.journal.jobs(ALL_JOBS))

    async def _sessions(self, stack: Stack) -> list[Finding]:
        sessions = self.engine.session_store(stack)
        version = await sessions.version() if sessions else "?"
        return [Finding("sessions", Level.OK, f"Redis {version} answers")]

    async def _authentik(self, stack: Stack) -> list[Finding]:
        version = await self.engine.files(stack).authentik_version()
        if version is None:
            message = f"no version file in {stack.server.image}"
            return [Finding("authentik", Level.WARNING, message, "Is it Authentik's image?")]
        return [Finding("authentik", Level.OK, f"version {version}")]

    async def _project(self, stack: Stack) -> list[Finding]:
        """The compose files may be hidden from a bot in a container."""
        async with ending(self.engine.files(stack).config()) as blocks:
            async for _ in blocks:
                pass
        message = f"compose files and .env can be read in {stack.working_dir}"
        return [Finding("project", Level.OK, message)]

    async def _store(self, place: Place) -> list[Finding]:
        run_id = self.clock.random_text("abcdefghijkmnpqrstuvwxyz", 8)
        findings = await self._guarded("store", StoreProbe(place.store, run_id).run)
        if not self.stores.several:
            return [*findings]
        return [replace(each, subject=f'store "{place.name}"') for each in findings]

    async def _state(self) -> list[Finding]:
        await self.state.probe()
        stuck = await self.journal.stuck_jobs()
        fine = f"{self.state.path} can be written, and its journal read"
        return [Finding("state", Level.OK, fine), *(judge_stuck(job) for job in stuck)]

    async def _keys(self) -> list[Finding]:
        facts = self.keys()
        findings: list[Finding] = []
        if not facts.recipients:
            findings.append(
                Finding("keys", Level.OK, "none yet; the first backup makes them in AKBOT_STATE")
            )
            return findings
        sealed_for = ", ".join(facts.recipients)
        findings.append(Finding("keys", Level.OK, f"backups are sealed for {sealed_for}"))
        if facts.identity_is_only_here and not await self._kit_was_seen(facts):
            findings.append(
                Finding(
                    "keys",
                    Level.WARNING,
                    "the private key was made on this host: lost with it, no backup opens",
                    f"Keep {facts.identity_path} somewhere else too: print the recovery kit.",
                )
            )
        elif not facts.has_identity:
            findings.append(
                Finding("keys", Level.OK, "the private key is kept elsewhere: verify stays shallow")
            )
        return findings

    async def _kit_was_seen(self, facts: KeyFacts) -> bool:
        """Whether these keys are known to be on paper, however long ago that was."""
        confirmed = (await self.kit.read()).confirmed
        return confirmed is not None and confirmed.counts_for(facts.recipients)

    async def _kit(self) -> list[Finding]:
        facts = self.keys()
        if not facts.recipients:
            return []
        record = await self.kit.read()
        return [
            judge_kit(
                self.clock.now(),
                facts.recipients,
                record.confirmed,
                self.kit_reminder,
                has_identity=facts.has_identity,
            )
        ]

    async def _backups(self, stack: Stack | None) -> list[Finding]:
        """What the backups tell of the clock, and whether one was proven lately."""
        now, name = self.clock.now(), self.stack_name or (stack.project if stack else "")
        if not name:
            return [judge_clock(now, [])]
        records = await self.stores.backups(name, self.keys().trusted)
        first = min((each.created for each in records if each.summary), default=None)
        drill = judge_drills(await self.drills.newest(name), first, now, self.plan_of_drills)
        spread = judge_spread(records)
        return [
            *([spread] if spread else []),
            judge_clock(now, records),
            *([drill] if drill else []),
        ]

    async def _pause(self) -> Sequence[Finding]:
        return judge_pause(await self.pause.read(), self.clock.now())

    async def _daemon(self) -> Sequence[Finding]:
        return judge_daemon(await self.daemon.report())

    async def _disks(self, stack: Stack | None) -> list[Finding]:
        findings: list[Finding] = []
        state = await self.disk.usage(str(self.state.path))
        if state:
            findings.append(judge_disk("disk of the state folder", state))
        mount = database_mount(stack) if stack else None
        database = await self.disk.usage(mount.source) if mount else None
        if database:
            findings.append(judge_disk("disk of the database", database))
        shared = [await self._shares(place, database) for place in self.stores.places]
        if all(shared):  # a second store elsewhere is all that is asked for
            findings += [each for each in shared[:1] if each]
        return findings

    async def _shares(self, place: Place, database: DiskUsage | None) -> Finding | None:
        path = place.store.local_path
        return judge_shared_disk(await self.disk.usage(path) if path else None, database)


def _failed(subject: str, error: BotError | TimeoutError) -> Finding:
    if isinstance(error, BotError):
        return Finding(subject, Level.FAILURE, str(error), error.hint)
    message = f"no answer within {_WITHIN:.0f} seconds"
    return Finding(subject, Level.FAILURE, message, "Look whether that service hangs.")
