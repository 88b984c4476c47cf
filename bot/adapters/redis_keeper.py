"""Redis' snapshots, kept and put back as files beside its own.

A snapshot takes effect only when Redis starts on it, and Redis writes its own when it is stopped:
so it is told to write none any more before the file is laid there, until it is started again. One
that writes an append-only file starts on that instead: there nothing is kept, and what it
held is lost on a way back.

One that does not run is started by the first that asks it something, so that whoever only looks
leaves it as it is, and a Redis that cannot start keeps nobody from the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from bot.adapters.engine_api import EngineApi
from bot.adapters.redis import RedisServer
from bot.domain.errors import IntegrityError, PortError
from bot.domain.stack import Container
from bot.domain.tar_sieve import OWN

_STOP_WITHIN = 60
_UP_WITHIN = 300.0
_AGAIN = 0.1
_FIRST_WORDS = 300
_COPY = 'cp -p "$1" "$2.part" && mv "$2.part" "$2"'
_STORE = 'cat >"$1.part" && mv "$1.part" "$1"'
_MOVE = 'if [ -e "$1" ]; then mv "$1" "$2"; fi'
_CHECK = 'if command -v redis-check-rdb >/dev/null; then redis-check-rdb "$1"; fi'


class RedisKeeper:
    """Port `Sessions`, for one *job*.

    *discard* removes from outside what lies in Redis' folder, for where it does not run.
    """

    def __init__(
        self,
        engine: EngineApi,
        container: Container,
        server: RedisServer,
        job: str,
        discard: Callable[[], Awaitable[None]],
    ) -> None:
        self._engine = engine
        self._container = container
        self._server = server
        self._job = job
        self._runs = container.running  # no: an earlier process was cut off while it was stopped
        self._discard_from_outside = discard
        self._folder_found = ""

    async def keep(self) -> None:
        kept = await self._kept(self._job)
        if await self._appends() or await self._exists(kept):
            return
        await self._server.save()
        await self._shell(_COPY, await self._own_file(), kept)

    async def stage(self, rdb: AsyncIterator[bytes]) -> None:
        if await self._appends():
            raise PortError(
                "load Redis: it writes an append-only file, and would start on that",
                hint="Leave --with-redis out.",
            )
        staged = await self._staged()
        command = ["sh", "-c", _STORE, "akbot", staged]
        done = await self._engine.feed(self._container.id, command, rdb)
        if done.exit_code != 0:
            raise PortError(f"lay a snapshot beside Redis' own: {done.stderr}")
        checked = await self._engine.run(self._container.id, ["sh", "-c", _CHECK, "akbot", staged])
        if checked.exit_code != 0:
            words = checked.stdout.decode(errors="replace")[-_FIRST_WORDS:]
            raise IntegrityError(f"the snapshot of Redis is damaged: {words}")

    async def claim(self, job: str) -> None:
        await self._shell(_MOVE, await self._kept(job), await self._staged())

    async def give_back(self, job: str) -> None:
        await self._shell(_MOVE, await self._staged(), await self._kept(job))

    async def flush(self) -> None:
        await self._wake()
        await self._server.flush()

    async def load_staged(self) -> None:
        staged = await self._staged()
        if await self._exists(staged):  # else nothing was kept, since Redis appends
            await self._start_on(staged)

    async def put_back(self) -> None:
        kept = await self._kept(self._job)
        if await self._exists(kept):
            await self._start_on(kept)
            await self._shell('rm -f "$1"', kept)

    async def discard(self) -> None:
        if not self._runs or not await self._answers():
            await self._discard_from_outside()
            return
        for path in (await self._kept(self._job), await self._staged()):
            await self._shell('rm -f "$1" "$1.part"', path)

    async def start(self) -> None:
        await self._engine.call("start Redis", lambda sdk: sdk.start(self._container.id))
        try:
            async with asyncio.timeout(_UP_WITHIN):
                while not await self._answers():  # noqa: ASYNC110 - another machine's event
                    await asyncio.sleep(_AGAIN)
        except TimeoutError as error:
            raise PortError(f"start Redis: no answer after {_UP_WITHIN:g} s") from error
        self._runs = True

    async def _wake(self) -> None:
        if not self._runs:
            await self.start()

    async def _answers(self) -> bool:
        try:
            return await self._server.ping()
        except PortError:
            return False  # not yet; the caller knows for how long it may take

    async def _start_on(self, path: str) -> None:
        await self._server.stop_saving()
        await self._shell(_COPY, path, await self._own_file())
        await self._engine.call(
            "stop Redis", lambda sdk: sdk.stop(self._container.id, timeout=_STOP_WITHIN)
        )
        await self.start()

    async def _appends(self) -> bool:
        return await self._setting("appendonly") == "yes"

    async def _own_file(self) -> str:
        return f"{await self._folder()}/{await self._setting('dbfilename')}"

    async def _kept(self, job: str) -> str:
        return f"{await self._folder()}/{OWN}{job}.rdb"

    async def _staged(self) -> str:
        return f"{await self._folder()}/{OWN}{self._job}.new.rdb"

    async def _folder(self) -> str:
        """Which Redis does not change while it runs, and each question costs a while."""
        if not self._folder_found:
            self._folder_found = (await self._setting("dir")).rstrip("/")
        return self._folder_found

    async def _setting(self, name: str) -> str:
        await self._wake()
        return await self._server.setting(name)

    async def _exists(self, path: str) -> bool:
        done = await self._engine.run(self._container.id, ["test", "-e", path])
        return done.exit_code == 0

    async def _shell(self, script: str, *arguments: str) -> None:
        done = await self._engine.run(self._container.id, ["sh", "-c", script, "akbot", *arguments])
        if done.exit_code != 0:
            raise PortError(f"work on Redis' files: {done.stderr or done.exit_code}")
