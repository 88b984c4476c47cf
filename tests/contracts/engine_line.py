"""A way to the Engine on which is known when it has ended what somebody has hung up on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.contracts.stacks import ENGINE

_BLOCK = 1 << 16
_PATIENCE = 60


@dataclass
class Line:
    """Passes connections on from *path*; the Engine's side stays open until the Engine closes it.

    Whoever hangs up is gone for the Engine as well: its input ends.
    """

    path: Path
    _passing: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    async def is_over(self) -> None:
        """Wait until the Engine has ended all that it was asked, once nobody listens any more."""
        async with asyncio.timeout(_PATIENCE):
            await asyncio.gather(*self._passing)

    def serve(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        self._passing.append(asyncio.ensure_future(self._pass(client, answers)))

    async def _pass(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        engine, requests = await asyncio.open_unix_connection(ENGINE.removeprefix("unix://"))
        asking = asyncio.ensure_future(_ask(client, requests))
        while block := await engine.read(_BLOCK):
            answers.write(block)
        answers.close()
        with suppress(OSError):
            await asking
        requests.close()


async def _ask(client: asyncio.StreamReader, requests: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await client.read(_BLOCK):
            requests.write(block)
    requests.write_eof()


@asynccontextmanager
async def line_to_engine(folder: Path) -> AsyncIterator[Line]:
    """A line that listens in *folder*."""
    line = Line(folder / "line.sock")
    async with await asyncio.start_unix_server(line.serve, line.path):
        yield line
