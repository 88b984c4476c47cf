"""What the commands of the chat do; `command_table` has them by name."""

import re
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from bot.domain.catalogue import LATEST, is_backup_name
from bot.domain.components import components_of
from bot.domain.errors import BotError, RefusedError
from bot.domain.jobs import ALL_JOBS, JobKind, choose_job
from bot.domain.orders import OrderKind
from bot.domain.restore import UNDO
from bot.domain.roles import Act
from bot.entrypoints.telegram import (
    backup_texts,
    cancel_texts,
    job_list_texts,
    restore_texts,
    texts,
    update_plan_texts,
    verify_texts,
)
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Asked, one_line
from bot.entrypoints.telegram.choices import Choices, Direct
from bot.entrypoints.telegram.deeds import Deeds
from bot.entrypoints.telegram.lookups import Lookups
from bot.entrypoints.telegram.permits import Permits
from bot.entrypoints.telegram.planning import Planning
from bot.entrypoints.telegram.reporting import Reporting
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Answer
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.operations import Operations
from bot.services.ports import Clock

_LONGEST_LABEL = 60
_OPTION = re.compile(r"(?<!\S)(?:--|—)[A-Za-z][\w-]*")  # phones make a dash of two hyphens


@dataclass(frozen=True)
class Commands:
    """What can be asked for: each returns its answer, or None where it is told elsewhere."""

    operations: Operations
    clock: Clock
    zone: tzinfo
    starts: Starts
    answers: Answers
    deeds: Deeds
    lookups: Lookups
    permits: Permits
    planning: Planning
    reporting: Reporting
    choices: Choices

    async def backup(self, asked: Asked) -> str | None:
        if option := _OPTION.search(asked.words):
            stack = await seen_within(self.operations.stack(), "the Docker Engine", self.clock)
            names = () if isinstance(stack, BotError) else components_of(stack)
            return texts.no_options(option[0], names)
        label = one_line(asked.words, _LONGEST_LABEL)
        return await self.starts.begin(asked.request, JobKind.BACKUP, label)

    async def drill(self, asked: Asked) -> Answer:
        wanted = _wanted(asked)
        if wanted and not is_backup_name(wanted):
            return texts.no_backup_name(wanted, asked.command)
        deed = partial(self.deeds.drill, asked.request, wanted)
        return await (deed() if asked.words else self._choose(asked, Act.DRILL, deed))

    async def verify(self, asked: Asked) -> Answer:
        wanted = _wanted(asked)
        if wanted and not is_backup_name(wanted):
            return texts.no_backup_name(wanted, asked.command)
        deed = partial(self.deeds.verify, asked.request, wanted or LATEST)
        return await (deed() if asked.words else self._choose(asked, Act.VERIFY, deed))

    async def restore(self, asked: Asked) -> Answer:
        if asked.words.lower() == UNDO:
            return await self.deeds.undo(asked.request)
        wanted = _wanted(asked)
        if wanted and not is_backup_name(wanted):
            return restore_texts.restore_what(wanted)
        deed = partial(self.deeds.restore, asked.request, wanted or LATEST)
        return await (deed() if asked.words else self._choose(asked, Act.RESTORE, deed))

    async def _choose(self, asked: Asked, act: Act, direct: Direct) -> Answer:
        return await self.choices.backup(asked.request, act, direct)

    async def update(self, asked: Asked) -> str | None:
        if not asked.words:
            return await self.deeds.updating.choose(asked.request)
        return await self.deeds.updating.plan(asked.request, asked.words)

    async def rollback(self, asked: Asked) -> str | None:
        if asked.words:
            return update_plan_texts.rollback_takes_no_words()
        return await self.deeds.rolling_back.plan(asked.request)

    async def pin(self, asked: Asked) -> Answer:
        return await self._pin(asked, pinned=True)

    async def unpin(self, asked: Asked) -> Answer:
        return await self._pin(asked, pinned=False)

    async def _pin(self, asked: Asked, *, pinned: bool) -> Answer:
        if not asked.words:
            return await self._choose_pin(pinned=pinned)
        wanted = _wanted(asked)
        if not is_backup_name(wanted):
            return texts.pin_what(asked.command)
        record = await self.deeds.pin(asked.request, wanted, pinned=pinned)
        return texts.not_pinned(record) if isinstance(record, BotError) else texts.pinned(record)

    async def _choose_pin(self, *, pinned: bool) -> Answer:
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            return backup_texts.none_to_choose(records, self._wall())
        return backup_texts.to_pin(records, self._wall(), pinned=pinned)

    async def status(self, asked: Asked) -> None:
        await self.deeds.glance.tell(asked.request)

    async def backups(self, asked: Asked) -> Answer:
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            return backup_texts.unseen(records, 0, self._wall())
        may_back_up = self.permits.allows(asked.person, Act.BACKUP)
        return backup_texts.page(records, 0, self._wall(), may_back_up=may_back_up)

    async def jobs(self, asked: Asked) -> str | None:
        if not asked.words:
            text, buttons = job_list_texts.jobs(await self.deeds.newest_jobs(), self._wall())
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
            return texts.takes_no_words("cancel")
        person = asked.person
        job = await self.operations.cancel(person.actor, self.permits.may_cancel(person))
        if job is None:
            return await self._cancel_reading(asked)
        await self.answers.stopping(
            asked.request, job.id, cancel_texts.cancelling(job, self._wall())
        )
        return None

    async def _cancel_reading(self, asked: Asked) -> str:
        """Stop what is read back; where something else runs, say who may stop that."""
        if read := self.deeds.verifies.cancel(asked.person.actor):
            return verify_texts.cancelling(read)
        running = await self.starts.running()
        if running and (why := await self.permits.no_cancelling(asked.request, running.kind)):
            return why
        order = asked.request.order(OrderKind.CANCEL, "", self.clock.now())
        await self.deeds.orders.refuse(order, "nothing was running")
        return cancel_texts.cancelling(None, self._wall())

    async def schedule(self, _: Asked) -> str:
        return await self.planning.schedule()

    async def pause(self, asked: Asked) -> str | None:
        return await self.planning.pause(asked)

    async def mute(self, asked: Asked) -> str | None:
        return await self.planning.mute(asked)

    async def resume(self, asked: Asked) -> str:
        if asked.words:
            return texts.takes_no_words("resume")
        return await self.planning.resume(asked)

    async def unknown(self, _: Asked) -> str:
        return texts.unknown_command()

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)


def _wanted(asked: Asked) -> str:
    """The backup's name; phones begin a word with a capital, which an id does not have."""
    return LATEST if asked.words.lower() == LATEST else asked.words
