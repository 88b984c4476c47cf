"""The commands of the chat: each is carried out once, and answered at once.

An answer lies in the outbox under the message that asked for it; a command that was being handled
when the process was killed is handled again, finds its answer or its job there, and changes
nothing more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, TypeVar

from bot.domain.errors import BotError, BusyError, PortError
from bot.domain.jobs import Job, JobState, Trigger
from bot.domain.messages import RunBackup
from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.asked import Asked, Person, Place, one_line
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pressed import Press
from bot.services.journal_ports import Message
from bot.services.operations import Operations
from bot.services.ports import Clock

T = TypeVar("T")

logger = logging.getLogger(__name__)

AGAIN_PREFIX = "r:"
_LONGEST_LABEL = 60
_PATIENCE = 10.0  # seconds that one command may keep the next one waiting
_LOOK_BACK = 20


@dataclass(frozen=True)
class Commands:
    """What can be asked for; *announce* opens the progress message of a job."""

    operations: Operations
    outgoing: Outgoing
    clock: Clock
    zone: tzinfo
    announce: Callable[[Job], Awaitable[None]]
    patience: Callable[[float], AbstractAsyncContextManager[Any]] = asyncio.timeout

    async def run(self, asked: Asked) -> None:
        """Carry out a command and answer it, unless that was done before a kill."""
        key = f"answer:{asked.place.origin}"
        if await self.outgoing.find(key) is None:
            command = COMMANDS.get(asked.command, _UNKNOWN)
            await self._answer(key, asked.place, command.run(self, asked))

    async def again(self, press: Press) -> None:
        """Begin the job once more whose outcome was pressed."""
        job = await self.operations.job(press.data.removeprefix(AGAIN_PREFIX))
        if job is None:
            await press.toast("I know nothing of that job any more.")
        elif not press.is_young:
            await self._rewrite_outcome(job, texts.old_press)
        else:
            await press.toast("Trying again.")
            key = f"answer:press:{press.id}"
            begun = self._begin(press.place, press.person, job.label)
            if await self._answer(key, press.place, begun):
                await self._rewrite_outcome(job, None)

    async def _rewrite_outcome(self, job: Job, change: Callable[[str], str] | None) -> None:
        """Note something below an outcome, or take its button away."""
        key = f"outcome:{job.id}"
        if queued := await self.outgoing.find(key):
            text, buttons = queued.message.text, queued.message.buttons
            if change:
                await self.outgoing.change(key, change(text), buttons)
            else:
                await self.outgoing.change(key, text)

    async def _answer(self, key: str, place: Place, answer: Awaitable[str | None]) -> bool:
        """Write the answer; whether the answer is that it has begun, and progress shows it."""
        try:
            text = await answer
        except BotError as error:
            text = texts.command_failed(error)
        except Exception:  # boundary: the person hears of it, and the chat goes on
            logger.exception("a command failed")
            text = texts.went_wrong()
        if text is None:
            return True
        await self.outgoing.put(Message(key=key, chat=place.chat, thread=place.thread, text=text))
        return False

    async def backup(self, asked: Asked) -> str | None:
        return await self._begin(asked.place, asked.person, one_line(asked.words, _LONGEST_LABEL))

    async def _begin(self, place: Place, person: Person, label: str) -> str | None:
        job = await self._begun_from(place.origin)
        if job is None:
            command = RunBackup(
                trigger=Trigger.CHAT, actor=person.actor, origin=place.origin, label=label
            )
            try:
                async with self.patience(_PATIENCE):
                    job = await self.operations.start(command)
            except TimeoutError:
                return texts.begins_late()
            except BusyError as error:
                return texts.busy(await self._running(), error, self._wall())
            except BotError as error:
                return texts.not_begun(error)
        await self.announce(job)
        return None

    async def _begun_from(self, origin: str) -> Job | None:
        """The job that was begun by the same message, before a kill."""
        newest = await self.operations.jobs(_LOOK_BACK)
        return next((job for job in newest if job.origin == origin), None)

    async def _running(self) -> Job | None:
        newest = await self.operations.jobs(_LOOK_BACK)
        return next((job for job in newest if job.state is JobState.RUNNING), None)

    async def status(self, _: Asked) -> str:
        stack, records = await asyncio.gather(
            self._look(self.operations.stack(), "the Docker Engine"),
            self._look(self.operations.backups(), "the store"),
        )
        return texts.status(stack, records, await self._running(), self._wall())

    async def _look(self, looking: Awaitable[T], what: str) -> T | BotError:
        """What was seen, or why it was not; a part that does not answer hides no other."""
        try:
            async with self.patience(_PATIENCE):
                return await looking
        except BotError as error:
            return error
        except TimeoutError:
            return PortError(f"{what} has not answered within {_PATIENCE:.0f} s", retryable=True)

    async def backups(self, _: Asked) -> str:
        records = await self._look(self.operations.backups(), "the store")
        if isinstance(records, BotError):
            raise records
        return texts.backups(records, self._wall())

    async def jobs(self, asked: Asked) -> str:
        if not asked.words:
            return texts.jobs(await self.operations.jobs(texts.MOST_JOBS), self._wall())
        job = await self.operations.job(asked.words)
        return texts.job_details(job, self._wall()) if job else texts.no_such_job(asked.words)

    async def cancel(self, asked: Asked) -> str:
        return texts.cancelling(await self.operations.cancel(asked.person.actor), self._wall())

    async def help(self, _: Asked) -> str:
        return texts.help_text(menu())

    async def unknown(self, _: Asked) -> str:
        return texts.unknown_command()

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)


@dataclass(frozen=True)
class Command:
    """One row of the table: what it does, and its line in the help and in the menu."""

    run: Callable[[Commands, Asked], Awaitable[str | None]]
    line: str


COMMANDS = {
    "backup": Command(Commands.backup, "back up now; words after it become its label"),
    "backups": Command(Commands.backups, "list the newest backups"),
    "status": Command(Commands.status, "show the containers and the last good backup"),
    "jobs": Command(Commands.jobs, "show who asked for what; with an id, all about one"),
    "cancel": Command(Commands.cancel, "stop what is running"),
    "help": Command(Commands.help, "show what I can do"),
    "start": Command(Commands.help, ""),
}
_UNKNOWN = Command(Commands.unknown, "")


def menu() -> list[tuple[str, str]]:
    """The commands that are shown, each with its line."""
    return [(name, command.line) for name, command in COMMANDS.items() if command.line]
