"""The stack's Redis: a snapshot made by BGSAVE, fetched with the Engine's archive API."""

import asyncio
import tarfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from bot.adapters.engine_api import EngineApi
from bot.domain.errors import IntegrityError, PortError
from bot.domain.stack import Container

_SAVE_WITHIN = 600.0
_BEGUN, _ANOTHER = "Background saving", "already in progress"
_ANSWER_WITHIN = 30.0
_POLL = 0.1
_TAR_BLOCK = 512


class RedisServer:
    """Port `SessionStore`; a password travels in the exec's environment."""

    def __init__(
        self,
        engine: EngineApi,
        container: Container,
        password: str | None,
        *,
        answer_within: float = _ANSWER_WITHIN,
    ) -> None:
        self._engine = engine
        self._container = container
        self._environment = {"REDISCLI_AUTH": password} if password else {}
        self._answer_within = answer_within

    async def version(self) -> str:
        return (await self._info("server"))["redis_version"]

    async def rdb(self) -> AsyncGenerator[bytes]:
        await self.save()
        folder, file = await self.setting("dir"), await self.setting("dbfilename")
        path = f"{folder.rstrip('/')}/{file}"
        archive = self._engine.download(self._container.id, path, doing=f'copy "{path}" from Redis')
        async with aclosing(_only_file(archive)) as blocks:
            async for block in blocks:
                yield block

    async def save(self) -> None:
        """Have a snapshot written; one that is under way already is older than now, so another."""
        try:
            async with asyncio.timeout(_SAVE_WITHIN):
                await self._idle()
                while not (answer := await self._command("BGSAVE")).startswith(_BEGUN):
                    if _ANOTHER not in answer:
                        raise PortError(f"save Redis: {answer}", retryable=True)
                    await self._idle()  # it began one by itself in between
                state = await self._idle()
        except TimeoutError as error:
            raise PortError(f"save Redis: not done after {_SAVE_WITHIN:.0f} s") from error
        if state["rdb_last_bgsave_status"] != "ok":
            raise PortError(
                "save Redis: it could not write its snapshot",
                hint="Is its disk full? See its log.",
            )

    async def _idle(self) -> dict[str, str]:
        state = await self._info("persistence")
        while state["rdb_bgsave_in_progress"] != "0":
            await asyncio.sleep(_POLL)
            state = await self._info("persistence")
        return state

    async def _info(self, section: str) -> dict[str, str]:
        lines = (await self._command("INFO", section)).splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    async def flush(self) -> None:
        """Forget all keys."""
        answer = await self._command("FLUSHALL")
        if answer != "OK":
            raise PortError(f"empty Redis: {answer}", retryable=True)

    async def stop_saving(self) -> None:
        """Write no snapshot any more, not at the end either, until it is started again."""
        answer = await self._command("CONFIG", "SET", "save", "")
        if answer != "OK":
            raise PortError(f"let Redis write no more: {answer}", retryable=True)
        await self._idle()

    async def ping(self) -> bool:
        """Whether it answers, its data loaded."""
        return await self._command("PING") == "PONG"

    async def setting(self, name: str) -> str:
        """One of its settings."""
        lines = (await self._command("CONFIG", "GET", name)).splitlines()
        if len(lines) != 2:  # noqa: PLR2004 - the name and its value
            raise PortError(f'ask Redis for "{name}": {" ".join(lines)}')
        return lines[1]

    async def _command(self, *words: str) -> str:
        environment: Mapping[str, str] = self._environment
        try:
            async with asyncio.timeout(self._answer_within):
                result = await self._engine.run(
                    self._container.id, ["redis-cli", *words], environment=environment
                )
        except TimeoutError as error:
            raise PortError(
                f'ask Redis "{words[0]}": no answer within {self._answer_within:g} s',
                hint="Is its container paused, or its host out of memory?",
                retryable=True,
            ) from error
        answer = result.stdout.decode(errors="replace").strip()
        if result.exit_code != 0 or answer.startswith(("NOAUTH", "WRONGPASS", "ERR unknown")):
            raise PortError(f'ask Redis "{words[0]}": {answer or result.stderr}', retryable=True)
        return answer


async def _only_file(archive: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """The content of the one regular file in a tar stream, byte for byte."""
    held = bytearray()
    left: int | None = None
    skipping = 0
    async with aclosing(archive):
        async for block in archive:
            if left:
                yield block[:left]
                left -= min(left, len(block))
                continue
            if left == 0:
                continue  # the archive's closing blocks; read on, so that the stream ends in order
            held += block
            while left is None and len(held) >= skipping + _TAR_BLOCK:
                header = tarfile.TarInfo.frombuf(
                    bytes(held[skipping : skipping + _TAR_BLOCK]), "utf-8", "surrogateescape"
                )
                skipping += _TAR_BLOCK
                if header.isreg():
                    left = header.size
                else:
                    skipping += -(-header.size // _TAR_BLOCK) * _TAR_BLOCK
            if left is not None:
                first = bytes(held[skipping : skipping + left])
                left -= len(first)
                held.clear()
                yield first
    if left != 0:
        raise IntegrityError("copy a file from a container: the archive ends before the file")
