"""A version at the gate, looked at from outside: containers, pages, database and logs.

Where containers, pages and database are found is for the caller to say, so that the copy of a
rehearsal is looked at in the same way as the stack that serves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.adapters import gate_sql
from bot.adapters.container_ends import ContainerEnds
from bot.adapters.container_log import ContainerLogs
from bot.adapters.engine_api import EngineApi
from bot.adapters.http_client import HttpClient
from bot.adapters.login_trial import try_login
from bot.adapters.psql import PsqlSession
from bot.adapters.server_pages import Pages
from bot.adapters.stack_probe import read_version
from bot.domain.errors import BotError, PortError
from bot.domain.site_checks import SiteChecks
from bot.domain.update_gate import Answers, Baseline, ContainerSeen, MigrationSeen, Sample

T = TypeVar("T")
Details = Mapping[str, Any]

_READY = "-/health/ready/"
_CONFIG = "api/v3/root/config/"
_OK = range(200, 300)
_LOGIN_EVERY = 20.0  # seconds
_OUTSIDE_EVERY = 5.0
_OUTSIDE_WITHIN = 5.0
_DATABASE_WITHIN = 15.0
_MOST = 4 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the version at the gate runs.

    *containers* gives (service, what the Engine says of it) of all that are watched, *pages* the
    pages of the *server* by what the Engine says of its container, *database* a session in
    Authentik's database. The version file is read of *server* and *worker*.
    """

    server: str
    worker: str | None
    containers: Callable[[], Awaitable[Sequence[tuple[str, Details]]]]
    pages: Callable[[Details], Pages | None]
    database: Callable[[], AbstractAsyncContextManager[PsqlSession]]


@dataclass
class PlaceProbe:
    """Port `GateProbe`."""

    engine: EngineApi
    place: Place
    checks: SiteChecks
    http: HttpClient = field(
        default_factory=lambda: HttpClient(_OUTSIDE_WITHIN, whole_within=_OUTSIDE_WITHIN)
    )
    _logs: ContainerLogs = field(init=False)
    _ends: ContainerEnds = field(init=False)
    _outside: tuple[float, dict[str, int | None]] = (-_OUTSIDE_EVERY, {})
    _login_at: float = -_LOGIN_EVERY

    def __post_init__(self) -> None:
        self._logs = ContainerLogs(self.engine)
        self._ends = ContainerEnds(self.engine)

    async def baseline(self) -> Baseline:
        found = await self.place.containers()
        pages = self._pages(found)
        statuses = await self._ask_outside()
        return Baseline(
            login_page=await _status(pages, self.checks.login_page),
            root_config=await _status(pages, _CONFIG),
            public=statuses.get(self.checks.public_page),
            urls={url: statuses[url] for url in self.checks.urls},
            login=await self._login(pages),
            public_url=self.checks.public_url,
        )

    async def sample(self, at: float) -> Sample:
        try:
            found = await self.place.containers()
        except PortError:  # whoever waits for it to be well knows for how long
            return Sample(at=at, seen=False)
        containers, signs, told, (ready, answers) = await asyncio.gather(
            asyncio.gather(*(self._seen(service, each) for service, each in found)),
            asyncio.gather(*(self._logs.new_signs(name, each) for name, each in found)),
            self._database(found),
            self._answers(self._pages(found), at),
        )
        return Sample(
            at=at,
            database=told.answered,
            containers=tuple(containers),
            ready=ready,
            answers=answers,
            workers=told.workers,
            migration=told.migration,
            signs=tuple(sign for each in signs for sign in each),
        )

    async def _seen(self, service: str, details: Details) -> ContainerSeen:
        state = details["State"]
        return ContainerSeen(
            service=service,
            id=details["Id"],
            running=state["Status"] == "running",
            started=state["StartedAt"],
            restarts=details["RestartCount"],
            exit_code=await self._ends.exit_code(details),
            health=(state.get("Health") or {}).get("Status", ""),
            version=await self._version(service, details["Id"]),
            image_id=details["Image"],
        )

    async def _version(self, service: str, container_id: str) -> str | None:
        """At every look: the file may change when the container is started."""
        if service not in {self.place.server, self.place.worker}:
            return None
        return await _unless_away(read_version(self.engine, container_id))

    def _pages(self, found: Sequence[tuple[str, Details]]) -> Pages | None:
        server = next((each for service, each in found if service == self.place.server), None)
        return self.place.pages(server) if server else None

    async def _answers(self, pages: Pages | None, at: float) -> tuple[int | None, Answers]:
        if _due(at, self._outside[0], _OUTSIDE_EVERY):
            self._outside = (at, await self._ask_outside())
        statuses = self._outside[1]
        ready = await _status(pages, _READY)
        page = await _status(pages, self.checks.login_page)
        login = None
        if ready in _OK and page in _OK and _due(at, self._login_at, _LOGIN_EVERY):
            self._login_at, login = at, await self._login(pages)
        return ready, Answers(
            login_page=page,
            root_config=await _status(pages, _CONFIG),
            public=statuses.get(self.checks.public_page),
            urls={url: statuses[url] for url in self.checks.urls},
            login=login,
        )

    async def _login(self, pages: Pages | None) -> str | None:
        account = self.checks.account
        if account is None:
            return None
        return await try_login(pages, account, self.checks.slug) if pages else "no answer"

    async def _ask_outside(self) -> dict[str, int | None]:
        urls = [url for url in (self.checks.public_page, *self.checks.urls) if url]
        statuses = await asyncio.gather(*(asyncio.to_thread(self._status_of, url) for url in urls))
        return dict(zip(urls, statuses, strict=True))

    def _status_of(self, url: str) -> int | None:
        try:
            return self.http.ask("GET", url, {}, most=_MOST).status
        except BotError:  # that nobody answers is an answer here
            return None

    async def _database(self, found: Sequence[tuple[str, Details]]) -> "_Told":
        started = [each["State"]["StartedAt"] for name, each in found if name == self.place.worker]
        told = _Told()
        try:
            async with asyncio.timeout(_DATABASE_WITHIN), self.place.database() as session:
                await session.run(gate_sql.QUICKLY)
                told.answered = True
                told.migration = await migration_of(session)
                if started:
                    workers = await session.ask(gate_sql.workers_since(min(started)))
                    told.workers = None if workers is None else tuple(workers)
        except (PortError, TimeoutError):  # its table may be locked: what was seen counts
            return told
        return told


@dataclass
class _Told:
    """What the database has told so far."""

    answered: bool = False
    migration: MigrationSeen | None = None
    workers: tuple[str, ...] | None = None


def _due(at: float, last: float, every: float) -> bool:
    """Also where the clock of the looks has begun anew."""
    return not last <= at < last + every


async def migration_of(session: PsqlSession) -> MigrationSeen | None:
    """Who migrates, by Authentik's advisory lock; None where nobody does."""
    state = await session.ask(gate_sql.MIGRATION)
    if not state["held"]:
        return None
    rows = int(await session.ask(gate_sql.MIGRATIONS))
    return MigrationSeen(active=state["active"], rows=rows, newest=state["newest"] or "")


async def _status(pages: Pages | None, path: str) -> int | None:
    reply = await pages.ask("GET", path) if pages else None
    return reply.status if reply else None


async def _unless_away(asked: Awaitable[T]) -> T | None:
    try:
        return await asked
    except PortError:  # it has just been removed, say; the next look tells
        return None
