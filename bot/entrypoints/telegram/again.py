"""The button under what did not work: the same job is begun once more."""

from dataclasses import dataclass

from bot.domain.jobs import TAKE_SERVER_AWAY, Job
from bot.domain.roles import Act
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.permits import OF_JOB, Permits
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, Press
from bot.entrypoints.telegram.starts import Starts
from bot.services.operations import Operations


@dataclass(frozen=True)
class Again:
    """Takes presses of it; each message's counts once."""

    operations: Operations
    outgoing: Outgoing
    starts: Starts
    answers: Answers
    permits: Permits

    async def press(self, press: Press) -> None:
        """Begin the job once more whose outcome was pressed."""
        job = await self.operations.job(press.data.removeprefix(AGAIN_PREFIX))
        if job is None or job.kind in TAKE_SERVER_AWAY:  # that one is asked about
            await press.toast("I know nothing of that job any more.")
            return
        act = OF_JOB.get(job.kind, Act.RESTORE)
        if refusal := await self.permits.refusal(press.own_request, act, job.label):
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
        told += await self.outgoing.offering(press.data)
        pressed = await self.outgoing.at(press.place.chat, press.place.message_id)
        if pressed:
            told += [pressed, *await self.outgoing.copies(pressed.message)]
        for message in {each.message.key: each.message for each in told}.values():
            await self.outgoing.change(message.key, message.text)
