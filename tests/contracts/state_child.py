"""The other process: `state_child COMMAND FOLDER …`. It says "ready", and goes on when it is told.

What it has done it says line by line, each after the call has returned.
"""

import asyncio
import itertools
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BotError
from bot.services.journal_ports import Message
from tests.contracts.state_places import BOT, NOW, a_job

_NOBODY = 65534


def _say(*words: object) -> None:
    print(*words, flush=True)


def _wait_for_word() -> None:
    _say("ready")
    sys.stdin.readline()


async def _hold(folder: StateFolder) -> None:
    async with folder.hold():
        _wait_for_word()


async def _identify(folder: StateFolder) -> None:
    _wait_for_word()
    _say(await folder.id())


async def _fail_as_nobody(folder: StateFolder) -> None:
    job, journal = a_job(), Journal(folder)
    os.setuid(_NOBODY)  # from here on nothing may need an import
    for call in (folder.id(), journal.jobs.begin(job)):
        try:
            await call
        except BotError as error:
            _say(f"{type(error).__name__}: {error}")
    await journal.close()


async def _write(folder: StateFolder, suffix: str, most: str) -> None:
    """One job's steps, messages and updates, without an end if *most* is 0."""
    _wait_for_word()
    journal = Journal(folder)
    job = a_job(suffix)
    await journal.jobs.begin(job)
    for number in range(int(most)) if int(most) else itertools.count():
        await journal.jobs.step(job.id, str(number))
        _say("step", number)
        await journal.outbox.put(Message(key=f"{suffix} {number}", chat=1, text="x" * 500), NOW)
        _say("message", number)
        await journal.inbox(BOT).store([{"update_id": number, "by": suffix}], NOW)
        _say("update", number)
    await journal.close()


_COMMANDS: dict[str, Callable[..., Awaitable[None]]] = {
    "hold": _hold,
    "identify": _identify,
    "fail-as-nobody": _fail_as_nobody,
    "write": _write,
}

if __name__ == "__main__":
    asyncio.run(_COMMANDS[sys.argv[1]](StateFolder(Path(sys.argv[2])), *sys.argv[3:]))  # type: ignore[arg-type]
