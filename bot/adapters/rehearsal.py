"""A copy of the stack for a rehearsal: database, Redis, migrations, server and worker.

It is built of throw-away containers of the stack's and the targets' own images, in one network that
leads nowhere and that this process joins where it has to.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from bot.adapters import catalogue_sql, rehearsal_sql, scratch_redis
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.reach import address_in, joined, require_reachable
from bot.adapters.rehearsal_probe import copy_probe
from bot.adapters.scratch import ScratchPostgres, scratch_database
from bot.adapters.throwaway import Server, throw_away_network, throw_away_server
from bot.domain.copied_application import copied_environment, web_path
from bot.domain.manifest import DatabaseFacts
from bot.domain.rehearsal import SERVER, WORKER, MigrationLook, RehearsedHop
from bot.domain.rehearsal_log import LastWords
from bot.domain.site_checks import SiteChecks
from bot.domain.stack import Stack
from bot.services.update_gate import GateProbe

_MEMORY = 2 * 1024 * 1024 * 1024
_SHARED_MEMORY = 512 * 1024 * 1024  # what 2026.2 asks for, and what earlier ones miss (facts §7)
_PIDS = 1024
_HEALTH_INTERVAL = 5  # seconds; the image's own half a minute would be the longest part of all
_POSTGRESQL = 5432
_LOG_LINES = 400
_MIGRATE = ("-m", "lifecycle.migrate")


class DockerRehearsals:
    """Port `Rehearsals`."""

    def __init__(self, engine: DockerEngine, checks: SiteChecks) -> None:
        self._engine = engine
        self._checks = checks

    @asynccontextmanager
    async def copy(self, stack: Stack, job_id: str) -> AsyncGenerator["DockerCopy"]:
        api, user = self._engine.api, self._engine.login(stack).user
        image_id = await self._engine.database_image(stack)
        async with AsyncExitStack() as context:
            network = await context.enter_async_context(throw_away_network(api, job_id))
            await context.enter_async_context(joined(api, network))
            scratch = await context.enter_async_context(
                scratch_database(api, image_id, user, job_id, network=network)
            )
            address = await address_in(api, scratch.place.name, network)
            await require_reachable(address, _POSTGRESQL)
            live = self._engine.server_environment(stack)
            yield DockerCopy(api, scratch, stack, live, self._checks, context)


@dataclass
class DockerCopy:
    """Port `StackCopy`; *context* is that of the whole copy."""

    engine: EngineApi
    scratch: ScratchPostgres
    stack: Stack
    live: Mapping[str, str] = field(repr=False)
    checks: SiteChecks
    context: AsyncExitStack
    _has_redis: bool = False
    _running: list[str] = field(default_factory=list)
    _application: dict[str, str] = field(default_factory=dict)

    async def load(self, archive: AsyncIterator[bytes]) -> None:
        await self.scratch.load(archive)

    async def load_sessions(self, rdb: AsyncIterator[bytes]) -> None:
        if self.stack.redis is None:
            raise ValueError("the stack has no Redis")
        place = self.scratch.place
        redis = scratch_redis.scratch_redis(
            self.engine, self.stack.redis.image_id, rdb, place.job_id, place.network
        )
        name = await self.context.enter_async_context(redis)
        await scratch_redis.empty_queue(self.engine, name)
        self._has_redis = True

    async def facts(self) -> DatabaseFacts:
        return await self.scratch.facts()

    async def settle(self) -> None:
        await self.scratch.session.run(catalogue_sql.EMPTY_QUEUE)
        await self.scratch.session.run("ANALYZE;")

    @asynccontextmanager
    async def migration(self, hop: RehearsedHop) -> AsyncGenerator["DockerMigration"]:
        server = replace(self._server(hop, "migration"), entrypoint=("python",), command=_MIGRATE)
        async with self._started(server) as name:
            yield DockerMigration(self.engine, self.scratch, name)

    @asynccontextmanager
    async def application(self, hop: RehearsedHop) -> AsyncGenerator[GateProbe]:
        async with AsyncExitStack() as running:
            for role in (SERVER, WORKER):
                name = await running.enter_async_context(self._started(self._server(hop, role)))
                self._application[role] = name
                running.callback(self._application.pop, role)
            containers = dict(self._application)
            yield copy_probe(
                self.engine, self.scratch, containers, web_path(self.live), self.checks
            )

    async def last_words(self) -> Mapping[str, LastWords]:
        return {
            role: LastWords(
                await read_log(self.engine, name),
                ended=not (await _state(self.engine, name))["Running"],
            )
            for role, name in self._application.items()
        }

    async def obstacle(self) -> str:
        if not (await _state(self.engine, self.scratch.place.name))["Running"]:
            return "its database has ended"
        for name in (self.scratch.place.name, *self._running):
            if (await _state(self.engine, name))["OOMKilled"]:
                return "a container of it was killed for want of memory"
        return ""

    @asynccontextmanager
    async def _started(self, server: Server) -> AsyncGenerator[str]:
        async with throw_away_server(self.engine, server, self.scratch.place.job_id) as name:
            self._running.append(name)
            try:
                yield name
            finally:
                self._running.remove(name)

    def _server(self, hop: RehearsedHop, role: str) -> Server:
        services = self.scratch.copies
        if not self._has_redis:
            services = replace(services, redis_host="")
        return Server(
            image_id=hop.image_id,
            user="",
            command=(role,),
            environment=copied_environment(self.live, services),
            scratch=(),
            memory=_MEMORY,
            network=self.scratch.place.network,
            alias=f"authentik-{role}",
            writable=True,
            pids=_PIDS,
            shared_memory=_SHARED_MEMORY,
            health_interval=_HEALTH_INTERVAL,
        )


@dataclass(frozen=True)
class DockerMigration:
    """Port `CopiedMigration`, in the container *name*."""

    engine: EngineApi
    scratch: ScratchPostgres
    name: str

    async def look(self) -> MigrationLook:
        state = await _state(self.engine, self.name)
        if not state["Running"]:
            return MigrationLook(int(state["ExitCode"]), rows=0, busy=False)
        seen: dict[str, Any] = await self.scratch.session.ask(rehearsal_sql.PROGRESS)
        return MigrationLook(None, int(seen["rows"]), bool(seen["busy"]))

    async def log(self) -> Sequence[str]:
        return await read_log(self.engine, self.name)


async def read_log(engine: EngineApi, name: str) -> Sequence[str]:
    """The last lines of a container's log."""
    logs: bytes = await engine.call(
        "read the log of a throw-away container", lambda sdk: sdk.logs(name, tail=_LOG_LINES)
    )
    return logs.decode(errors="replace").splitlines()


async def _state(engine: EngineApi, name: str) -> Mapping[str, Any]:
    details: Mapping[str, Any] = await engine.call(
        "look at a throw-away container", lambda sdk: sdk.inspect_container(name)
    )
    state: Mapping[str, Any] = details["State"]
    return state
