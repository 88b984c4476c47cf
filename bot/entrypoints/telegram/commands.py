"""The commands of the chat: each is carried out once, and answered at once.

An answer lies in the outbox under the message that asked for it; a command that was being handled
when the process was killed, or the journal did not answer, is handled again, finds its answer or
its job there, and changes nothing more.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.catalogue import LATEST, is_backup_name
from bot.domain.components import components_of
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs import ALL_JOBS, TAKE_SERVER_AWAY, Job, JobKind, choose_job
from bot.domain.roles import Act, ChatRole, may
from bot.entrypoints.telegram import (
    backup_texts,
    job_list_texts,
    restore_texts,
    role_texts,
    texts,
    update_plan_texts,
    verify_texts,
)
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Asked, Request, one_line
from bot.entrypoints.telegram.deeds import Deeds
from bot.entrypoints.telegram.lookups import Lookups
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.permits import OF_JOB, Permits
from bot.entrypoints.telegram.planning import Planning
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, UNDO, Press
from bot.entrypoints.telegram.reporting import Reporting
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations
from bot.services.ports import Clock

_LONGEST_LABEL = 60
_OPTION = re.compile(r"(?<!\S)(?:--|—)[A-Za-z][\w-]*")  # phones make a dash of two hyphens


@dataclass(frozen=True)
class Commands:
    """What can be asked for."""

    operations: Operations
    outgoing: Outgoing
    clock: Clock
    zone: tzinfo
    starts: Starts
    answers: Answers
    deeds: Deeds
    lookups: Lookups
    permits: Permits
    planning: Planning
    reporting: Reporting

    def is_refused(self, asked: Asked) -> bool:
        """Whether it is a command that is not for whoever asked."""
        command = COMMANDS.get(asked.command)
        return command is not None and not self.permits.allows(asked.person, command.act)

    async def run(self, asked: Asked) -> None:
        """Carry out a command and answer it, unless that was done before.

        Raises PortError, retryable, when the journal does not answer: then run it again.
        """
        if await self.answers.is_written(asked.request):
            return
        command = COMMANDS.get(asked.command, _UNKNOWN)
        if refusal := self.permits.refusal(asked.person, asked.place, command.act):
            await self.answers.write(asked.request, refusal)
            return
        await self.answers.carry_out(asked.request, command.run(self, asked))

    async def again(self, press: Press) -> None:
        """Begin the job once more whose outcome was pressed."""
        job = await self.operations.job(press.data.removeprefix(AGAIN_PREFIX))
        if job is None or job.kind in TAKE_SERVER_AWAY:  # that one is asked about
            await press.toast("I know nothing of that job any more.")
            return
        act = OF_JOB.get(job.kind, Act.RESTORE)
        if refusal := self.permits.refusal(press.person, press.place, act):
            await press.toast(refusal)
            return
        request = press.own_request
        if await self.answers.is_written(request):
            return
        if press.is_young:
            if await self.starts.is_served(request):
                await press.toast("It has been tried again already.")
                return
            await press.toast("Trying again.")
        elif await self.starts.begun_from(request.origin) is None:
            await self.answers.note_old_press(press.place)
            return
        if await self.answers.carry_out(request, self.starts.begin(request, job.kind, job.label)):
            await self._take_buttons_away(job, press)

    async def _take_buttons_away(self, job: Job, press: Press) -> None:
        """From all that tells how it ended, and from what was pressed: that may be an alarm."""
        told = [*await self.outgoing.named(f"outcome:{job.id}")]
        pressed = await self.outgoing.at(press.place.chat, press.place.message_id)
        if pressed:
            told += [pressed, *await self.outgoing.copies(pressed.message)]
        for message in {each.message.key: each.message for each in told}.values():
            await self.outgoing.change(message.key, message.text)

    async def give_up(self, request: Request, error: BotError) -> None:
        """Say that it could not be carried out, tried often enough."""
        await self.answers.write(request, texts.command_failed(error))

    async def backup(self, asked: Asked) -> str | None:
        if option := _OPTION.search(asked.words):
            stack = await seen_within(self.operations.stack(), "the Docker Engine", self.clock)
            names = () if isinstance(stack, BotError) else components_of(stack)
            return texts.no_options(option[0], names)
        label = one_line(asked.words, _LONGEST_LABEL)
        return await self.starts.begin(asked.request, JobKind.BACKUP, label)

    async def drill(self, asked: Asked) -> str | None:
        if asked.words and not is_backup_name(asked.words):
            return texts.no_backup_name(asked.words)
        return await self.deeds.drill(asked.request, asked.words)

    async def verify(self, asked: Asked) -> str | None:
        if asked.words and not is_backup_name(asked.words):
            return texts.no_backup_name(asked.words)
        return await self.deeds.verify(asked.request, asked.words or LATEST)

    async def restore(self, asked: Asked) -> str | None:
        if asked.words.lower() == UNDO:
            return await self.deeds.undo(asked.request)
        if asked.words and not is_backup_name(asked.words):
            return restore_texts.restore_what(asked.words)
        return await self.deeds.restore(asked.request, asked.words or LATEST)

    async def update(self, asked: Asked) -> str | None:
        return await self.deeds.updating.plan(asked.request, asked.words)

    async def rollback(self, asked: Asked) -> str | None:
        if asked.words:
            return update_plan_texts.rollback_takes_no_words()
        return await self.deeds.rolling_back.plan(asked.request)

    async def pin(self, asked: Asked) -> str | None:
        return await self._pin(asked, pinned=True)

    async def unpin(self, asked: Asked) -> str | None:
        return await self._pin(asked, pinned=False)

    async def _pin(self, asked: Asked, *, pinned: bool) -> str | None:
        if not asked.words:
            return await self._choose_pin(asked, pinned=pinned)
        if not is_backup_name(asked.words):
            return texts.pin_what(asked.command)
        record = await self.deeds.pin(asked.words, pinned=pinned)
        return texts.not_pinned(record) if isinstance(record, BotError) else texts.pinned(record)

    async def _choose_pin(self, asked: Asked, *, pinned: bool) -> str | None:
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            return texts.command_failed(records)
        shown = backup_texts.to_pin(records, self._wall(), pinned=pinned)
        await self.answers.write(asked.request, shown.text, shown.buttons)
        return None

    async def status(self, asked: Asked) -> None:
        await self.deeds.glance.tell(asked.request)

    async def backups(self, asked: Asked) -> str | None:
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            return texts.command_failed(records)
        page = backup_texts.page(records, 0, self._wall())
        await self.answers.write(asked.request, page.text, page.buttons)
        return None

    async def jobs(self, asked: Asked) -> str | None:
        if not asked.words:
            newest = await self.operations.jobs_as_they_stand(job_list_texts.MOST_JOBS)
            text, buttons = job_list_texts.jobs(newest, self._wall())
            await self.answers.write(asked.request, text, buttons)
            return None
        jobs = await self.operations.jobs_as_they_stand(ALL_JOBS)
        try:
            return job_list_texts.job_details(choose_job(jobs, asked.words), self._wall())
        except RefusedError as error:
            return job_list_texts.no_such_job(error)

    async def logs(self, asked: Asked) -> str | None:
        return await self.lookups.logs(asked.request, asked.words)

    async def version(self, _: Asked) -> str:
        return await self.lookups.version()

    async def report(self, asked: Asked) -> str | None:
        return await self.reporting.answer(asked)

    async def cancel(self, asked: Asked) -> str | None:
        if asked.words:
            return texts.takes_no_words("cancel", "stops what is running")
        person = asked.person
        job = await self.operations.cancel(person.actor, self.permits.may_cancel(person))
        if job is None:
            return await self._cancel_reading(asked)
        await self.answers.stopping(asked.request, job.id, texts.cancelling(job, self._wall()))
        return None

    async def _cancel_reading(self, asked: Asked) -> str:
        """Stop what is read back; where something else runs, say who may stop that."""
        if read := self.deeds.verifies.cancel(asked.person.actor):
            return verify_texts.cancelling(read)
        running = await self.starts.running()
        refusal = running and self.permits.no_cancelling(asked.person, asked.place, running.kind)
        return refusal or texts.cancelling(None, self._wall())

    async def schedule(self, _: Asked) -> str:
        return await self.planning.schedule()

    async def pause(self, asked: Asked) -> str:
        return await self.planning.pause(asked)

    async def mute(self, asked: Asked) -> str:
        return await self.planning.mute(asked)

    async def resume(self, asked: Asked) -> str:
        if asked.words:
            return texts.takes_no_words("resume", "ends the pause")
        return await self.planning.resume()

    async def help(self, asked: Asked) -> str:
        role = self.permits.role_of(asked.person)
        return texts.help_text(menu(role), role_texts.your_role(role))

    async def unknown(self, _: Asked) -> str:
        return texts.unknown_command()

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)


@dataclass(frozen=True)
class Command:
    """One row of the table: what it does, who may, and its line in the help and in the menu."""

    run: Callable[[Commands, Asked], Awaitable[str | None]]
    act: Act
    line: str


COMMANDS = {
    "backup": Command(Commands.backup, Act.BACKUP, "back up now; words after it become its label"),
    "backups": Command(
        Commands.backups, Act.BACKUPS, "list the backups; press one to see it and use it"
    ),
    "verify": Command(
        Commands.verify,
        Act.VERIFY,
        "read the newest backup back, or the one whose id follows, byte by byte",
    ),
    "drill": Command(
        Commands.drill,
        Act.DRILL,
        "prove the newest backup, or the one whose id follows, by restoring it",
    ),
    "restore": Command(
        Commands.restore,
        Act.RESTORE,
        "let the newest backup serve again, or the one whose id follows; “undo” takes the last"
        " restore back. I show what changes and ask first",
    ),
    "update": Command(
        Commands.update,
        Act.UPDATE,
        "show the way to the newest Authentik, or to the version that follows, and ask; if it does"
        " not hold, the version of now comes back by itself",
    ),
    "rollback": Command(
        Commands.rollback,
        Act.ROLLBACK,
        "take the last update back; I show what that loses and ask first",
    ),
    "pin": Command(Commands.pin, Act.PIN, "keep the backup whose id follows, whatever its age"),
    "unpin": Command(Commands.unpin, Act.UNPIN, "let its age decide again"),
    "status": Command(Commands.status, Act.STATUS, "show the containers and the last good backup"),
    "jobs": Command(
        Commands.jobs,
        Act.JOBS,
        "show who asked for what; with an id or its beginning, all about one",
    ),
    "logs": Command(
        Commands.logs,
        Act.LOGS,
        "show what a container said last: “worker 100” for 100 lines of that one",
    ),
    "report": Command(
        Commands.report,
        Act.REPORT,
        "show the last seven days, or as many as follow, and what needs somebody",
    ),
    "version": Command(Commands.version, Act.VERSION, "show which versions run, and the newest"),
    "schedule": Command(Commands.schedule, Act.SCHEDULE, "show what begins by itself, and when"),
    "pause": Command(
        Commands.pause,
        Act.PAUSE,
        "let nothing begin by itself for the time that follows, such as 2h",
    ),
    "resume": Command(Commands.resume, Act.RESUME, "end that pause"),
    "mute": Command(
        Commands.mute,
        Act.MUTE,
        "tell of no new incident for the time that follows, such as 2h",
    ),
    "cancel": Command(Commands.cancel, Act.CANCEL, "stop what is running"),
    "help": Command(Commands.help, Act.HELP, "show what I can do"),
    "start": Command(Commands.help, Act.HELP, ""),
}
_UNKNOWN = Command(Commands.unknown, Act.HELP, "")


def menu(role: ChatRole | None = ChatRole.ADMIN) -> list[tuple[str, str]]:
    """The commands that somebody of that role is shown, each with its line."""
    shown = COMMANDS.items()
    return [(name, each.line) for name, each in shown if each.line and may(role, each.act)]
