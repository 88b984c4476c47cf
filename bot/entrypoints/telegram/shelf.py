"""The buttons under backups and outcomes: to look through, to read on, to set something going."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.errors import BotError
from bot.domain.jobs import ALL_JOBS
from bot.domain.roles import Act
from bot.entrypoints.telegram import (
    backup_texts,
    failure_texts,
    job_list_texts,
    press_texts,
    texts,
    update_texts,
)
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.deeds import Deeds
from bot.entrypoints.telegram.lookups import Lookups
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.permits import OF_DEED, Permits
from bot.entrypoints.telegram.pressed import Deed, DeedData, Press
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Answer
from bot.entrypoints.telegram.waiting import seen_within
from bot.services.journal_ports import QUESTION_KEY, Buttons
from bot.services.looks import MOST_LINES
from bot.services.operations import Operations
from bot.services.ports import Clock

_TURNS = {Deed.PAGE, Deed.SHOW, Deed.JOBS, Deed.JOB}
_CHANGES_ITS_MESSAGE = _TURNS | {Deed.PIN, Deed.UNPIN}


@dataclass(frozen=True)
class Shelf:
    """Takes presses. What sets something going does so once, and only if the press is young.

    *moved* are groups that have another number now.
    """

    operations: Operations
    outgoing: Outgoing
    clock: Clock
    zone: tzinfo
    starts: Starts
    answers: Answers
    deeds: Deeds
    lookups: Lookups
    permits: Permits
    moved: Mapping[int, int]

    async def press(self, press: Press) -> None:
        """Do what the button says."""
        try:
            data = DeedData.read(press.data)
        except ValueError:
            await press.toast(press_texts.UNKNOWN_BUTTON)
            return
        act = OF_DEED[data.deed]
        if refusal := await self.permits.refusal(press.own_request, act, data.what):
            await press.toast(refusal)
        elif data.deed in _CHANGES_ITS_MESSAGE and press.place.chat in self.moved:
            await press.toast(press_texts.BEFORE_THE_MOVE)
        elif data.deed in _TURNS:
            await self._turn(press, data)
        elif await self.starts.is_dealt_with(press.own_request):
            return
        elif press.is_young:
            await self._do(press, data)
        else:
            await self.answers.note_old_press(press.place)

    async def _do(self, press: Press, data: DeedData) -> None:
        toast, deed = _DEEDS[data.deed]
        await press.toast(toast)
        await self.answers.carry_out(press.own_request, deed(self, press, data))

    async def _turn(self, press: Press, data: DeedData) -> None:
        """Let the message show another page, or one of a list."""
        if await self.outgoing.at(press.place.chat, press.place.message_id) is None:
            await press.toast(press_texts.UNKNOWN_MESSAGE)
            return
        await press.toast("")
        async with self.answers.sign(press.place):
            await self._show(press, *await self._turned(press, data))

    async def _turned(self, press: Press, data: DeedData) -> tuple[str, Buttons]:
        if data.deed in {Deed.JOBS, Deed.JOB}:
            return await self._jobs(data)
        records = await seen_within(self.operations.backups(), "the store", self.clock)
        if isinstance(records, BotError):
            shown = backup_texts.unseen(records, data.page, self._wall())
        elif data.deed is Deed.PAGE:
            may_back_up = self.permits.allows(press.person, Act.BACKUP)
            shown = backup_texts.page(records, data.page, self._wall(), may_back_up=may_back_up)
        else:
            shown = backup_texts.one(records, data.what, data.page, self._wall())
        return shown.text, shown.buttons

    async def _jobs(self, data: DeedData) -> tuple[str, Buttons]:
        if data.deed is Deed.JOBS:
            return job_list_texts.jobs(await self.deeds.newest_jobs(), self._wall())
        jobs = await self.operations.jobs_as_they_stand(ALL_JOBS)
        job = next((each for each in jobs if each.id == data.what), None)
        return job_list_texts.one_job(job, data.what, self._wall())

    async def _show(self, press: Press, text: str, buttons: Buttons) -> None:
        """In place of the list that was pressed; a question stays, whatever is forged under it."""
        queued = await self.outgoing.at(press.place.chat, press.place.message_id)
        if queued and not queued.message.key.startswith(QUESTION_KEY):
            await self.outgoing.change(queued.message.key, text, buttons)

    async def _back_up(self, press: Press, _: DeedData) -> str | None:
        return await self.deeds.back_up(press.own_request)

    async def _verify(self, press: Press, data: DeedData) -> Answer:
        return await self.deeds.verify(press.own_request, data.what)

    async def _drill(self, press: Press, data: DeedData) -> str | None:
        return await self.deeds.drill(press.own_request, data.what)

    async def _restore(self, press: Press, data: DeedData) -> str | None:
        return await self.deeds.restore(press.own_request, data.what)

    async def _undo(self, press: Press, data: DeedData) -> str | None:
        return await self.deeds.undo(press.own_request, data.what)

    async def _update(self, press: Press, data: DeedData) -> str | None:
        return await self.deeds.update(press.own_request, data.what)

    async def _roll_back(self, press: Press, data: DeedData) -> str | None:
        return await self.deeds.roll_back(press.own_request, data.what)

    async def _said(self, press: Press, data: DeedData) -> str | None:
        said = await self.deeds.said(data.what) if data.what else ""
        if isinstance(said, BotError):
            return failure_texts.command_failed(said, self._wall())
        if not said:
            return update_texts.nothing_said()
        document = (f"{data.what}.log", said)
        await self.answers.write(press.own_request, update_texts.said(data.what), document=document)
        return None

    async def _log(self, press: Press, data: DeedData) -> str | None:
        lines = max(1, min(data.page, MOST_LINES))
        return await self.lookups.log(press.own_request, data.what, lines)

    async def _why(self, press: Press, data: DeedData) -> str | None:
        return await self.lookups.why(press.own_request, data.what)

    async def _status(self, press: Press, _: DeedData) -> None:
        await self.deeds.glance.tell(press.own_request)

    async def _all_jobs(self, press: Press, _: DeedData) -> None:
        await self.answers.write(press.own_request, *await self._jobs(DeedData(Deed.JOBS)))

    async def _pin(self, press: Press, data: DeedData) -> str | None:
        record = await self.deeds.pin(press.own_request, data.what, pinned=data.deed is Deed.PIN)
        if isinstance(record, BotError):
            return texts.not_pinned(record)
        shown = backup_texts.one([record], record.id, data.page, self._wall())
        await self._show(press, shown.text, shown.buttons)
        return None

    def _wall(self) -> texts.Wall:
        return texts.Wall(self.clock.now(), self.zone)


_Do = Callable[[Shelf, Press, DeedData], Awaitable[Answer]]
_DEEDS: dict[Deed, tuple[str, _Do]] = {
    Deed.BACKUP: (press_texts.BACKING_UP, Shelf._back_up),  # noqa: SLF001 - its own table
    Deed.VERIFY: (press_texts.READING_BACK, Shelf._verify),  # noqa: SLF001
    Deed.DRILL: (press_texts.DRILLING, Shelf._drill),  # noqa: SLF001
    Deed.PIN: (press_texts.PINNING, Shelf._pin),  # noqa: SLF001
    Deed.UNPIN: (press_texts.UNPINNING, Shelf._pin),  # noqa: SLF001
    Deed.RESTORE: (press_texts.LOOKING_AT_CHANGES, Shelf._restore),  # noqa: SLF001
    Deed.UNDO: (press_texts.LOOKING_AT_CHANGES, Shelf._undo),  # noqa: SLF001
    Deed.UPDATE: (press_texts.LOOKING_AT_THE_WAY, Shelf._update),  # noqa: SLF001
    Deed.ROLLBACK: (press_texts.LOOKING_AT_CHANGES, Shelf._roll_back),  # noqa: SLF001
    Deed.SAID: (press_texts.HERE_IT_COMES, Shelf._said),  # noqa: SLF001
    Deed.LOG: (press_texts.HERE_IT_COMES, Shelf._log),  # noqa: SLF001
    Deed.WHY: (press_texts.HERE_IT_COMES, Shelf._why),  # noqa: SLF001
    Deed.STATUS: (press_texts.LOOKING, Shelf._status),  # noqa: SLF001
    Deed.ALL_JOBS: (press_texts.LOOKING, Shelf._all_jobs),  # noqa: SLF001
}
