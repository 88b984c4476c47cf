"""A person's word at the terminal, before something is changed."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from bot.domain.bootstrap import BootstrapPreview
from bot.domain.doomed import Doomed
from bot.domain.restore_plan import Preview
from bot.domain.rollback import RollbackPreview
from bot.domain.update_gate import Judgement
from bot.domain.update_preview import UpdatePreview
from bot.entrypoints import render_bootstrap, render_prune, render_roll
from bot.entrypoints.render_restore import preview_lines
from bot.entrypoints.streams import complain
from bot.services.ports import Clock

_YES = "yes"
_LONG_ENOUGH = 600.0
"""Seconds for reading a preview; a forgotten prompt would hold off every other job."""


@dataclass(frozen=True)
class Confirmation:
    """Shows what would be done; *agreed*: the word was given on the command line.

    *within* are the seconds that a person has; without an answer it is not done. Moments are shown
    as in *zone*.
    """

    agreed: bool
    within: float = _LONG_ENOUGH
    zone: tzinfo = UTC

    async def __call__(self, preview: Preview) -> bool:
        """Whether it shall be done; where there is nobody to ask it shall not."""
        return await self._ask(preview_lines(preview))

    async def bootstrap(self, preview: BootstrapPreview) -> bool:
        """Likewise, for a restore on an empty host."""
        return await self._ask(render_bootstrap.preview_lines(preview))

    async def update(self, preview: UpdatePreview) -> bool:
        """Likewise, for an update."""
        return await self._ask(render_roll.preview_lines(preview))

    async def rollback(self, preview: RollbackPreview) -> bool:
        """Likewise, for taking one back."""
        return await self._ask(render_roll.rollback_lines(preview, self.zone))

    async def delete(self, doomed: Doomed) -> bool:
        """Likewise, for one backup that is to go."""
        return await self._ask(render_prune.doomed_lines(doomed))

    async def _ask(self, lines: Sequence[str]) -> bool:
        complain(*lines)
        if self.agreed:
            return True
        return await _is_agreed("to go on", self.within)


@dataclass(frozen=True)
class StayQuestion:
    """Asks whether a version stays that holds inside, while the public URL does not answer."""

    clock: Clock

    async def __call__(self, judgement: Judgement, until: datetime) -> bool:
        """Whether it shall stay; without an answer *until* then it shall not.

        Where there is no terminal nobody is waited for.
        """
        complain(f"{judgement.reason[:1].upper()}{judgement.reason[1:]}")
        if not sys.stdin.isatty():
            complain("There is no terminal to ask at, so it is rolled back.")
            return False
        within = (until - self.clock.now()).total_seconds()
        return await _is_agreed("to keep the new version all the same", within)


async def _is_agreed(what_for: str, within: float) -> bool:
    """Whether the word comes within so many seconds; where there is nobody to ask it does not."""
    if not sys.stdin.isatty():
        return False
    sys.stderr.write(f'Type "{_YES}" {what_for}: ')
    sys.stderr.flush()
    try:
        async with asyncio.timeout(within):
            return (await typed_line()).strip() == _YES
    except TimeoutError:
        complain("", "Nobody has answered.")  # the cursor stands behind the question
        return False


async def typed_line() -> str:
    """A line from the terminal; the event loop goes on, and Ctrl-C ends the waiting."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(sys.stdin.fileno())
    return sys.stdin.readline()  # a terminal hands out whole lines, so this one is there
