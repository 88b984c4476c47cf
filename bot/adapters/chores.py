"""Small jobs on the stack's mounts, in a sealed container that has just those and no network.

Its powers are those that files of other owners take. What a script of ours was given as arguments
never becomes part of the script.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bot.adapters.engine_api import EngineApi, Finished
from bot.adapters.raw_stream import text_tail
from bot.adapters.throwaway import created

_MEMORY = 256 * 1024 * 1024
_PIDS = 64
_DOING = "work on the stack's folders"


def place_of(number: int) -> str:
    """Where the *number*-th mount is inside the container."""
    return f"/mounts/{number}"


@dataclass(frozen=True)
class Chores:
    """Runs them in containers of *image_id*, which is there already, under *job*'s name."""

    engine: EngineApi
    image_id: str
    job: str

    async def run(self, sources: Sequence[str], script: str, *arguments: str) -> Finished:
        """Run a POSIX shell script with *sources* mounted, and return once it has ended."""
        async with self.container(sources, script, *arguments) as name:
            await self.engine.call(_DOING, lambda sdk: sdk.start(name))
            ended = await self.engine.call(_DOING, lambda sdk: sdk.wait(name, timeout=None))
            out: bytes = await self.engine.call(
                _DOING, lambda sdk: sdk.logs(name, stdout=True, stderr=False)
            )
            words: bytes = await self.engine.call(
                _DOING, lambda sdk: sdk.logs(name, stdout=False, stderr=True)
            )
        return Finished(int(ended["StatusCode"]), out, text_tail(words))

    @asynccontextmanager
    async def container(
        self, sources: Sequence[str], script: str = "", *arguments: str
    ) -> AsyncGenerator[str]:
        """A container that does not run yet; its name."""
        settings = {
            "entrypoint": ["sh"],
            "command": ["-c", script, "akbot", *arguments],
            "user": "0:0",
        }
        mounts = [f"{source}:{place_of(number)}" for number, source in enumerate(sources)]
        limits = {
            "mem_limit": _MEMORY,
            "memswap_limit": _MEMORY,
            "pids_limit": _PIDS,
            "binds": mounts,
            "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"],
        }
        async with created(
            self.engine, _DOING, self.image_id, settings, self.job, limits=limits
        ) as name:
            yield name
