"""Draws in a child process: what that takes of memory goes with it."""

import asyncio
import sys
from contextlib import suppress
from dataclasses import dataclass, field

from bot.domain.charts import Figures, encode_figures
from bot.domain.errors import PortError

_PROGRAM = (sys.executable, "-I", "-m", "bot.entrypoints.drawing")
_DRAWN_WITHIN = 30.0  # seconds; a slow single-board computer takes ten
_MOST_BYTES = 512 * 1024
_LAST_WORDS = 300


@dataclass(frozen=True)
class ChildPainter:
    """Port `Painter`; one picture at a time, so that many askers do not fill the memory."""

    program: tuple[str, ...] = _PROGRAM
    within: float = _DRAWN_WITHIN
    _alone: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def draw(self, figures: Figures) -> bytes:
        async with self._alone:
            return await self._draw(encode_figures(figures))

    async def _draw(self, figures: bytes) -> bytes:
        """Run the program; it inherits neither an environment, where secrets are, nor a folder."""
        try:
            process = await asyncio.create_subprocess_exec(
                *self.program,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd="/",
                env={},
            )
        except OSError as error:
            raise PortError(f"draw a picture: {error}") from error
        try:
            async with asyncio.timeout(self.within):
                picture, said = await process.communicate(figures)
        except TimeoutError as error:
            raise PortError(f"draw a picture: it takes more than {self.within:.0f} s") from error
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if process.returncode:
            words = said.decode(errors="replace").strip()[-_LAST_WORDS:]
            raise PortError(f"draw a picture: exit code {process.returncode}: {words}")
        if not 0 < len(picture) <= _MOST_BYTES:
            raise PortError(f"draw a picture: it has {len(picture)} bytes")
        return picture
