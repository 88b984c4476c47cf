"""The button under what did not work: the same job is begun once more."""

from dataclasses import dataclass, field

from bot.domain.jobs import TAKE_SERVER_AWAY, Job
from bot.domain.roles import Act
from bot.entrypoints.telegram import press_texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.permits import OF_JOB, Permits
from bot.entrypoints.telegram.pressed import AGAIN_PREFIX, Press
from bot.entrypoints.telegram.starts import Starts
from bot.services.operations import Operations


@dataclass(frozen=True)
class Again:
    """Takes presses of it; each message's counts once, also where two persons press at once."""

    operations: Operations
    outgoing: Outgoing
    starts: Starts
    answers: Answers
    permits: Permits
    _claimed: set[str] = field(default_factory=set)  # origins of messages

    async def press(self, press: Press) -> None:
        """Begin the job once more whose outcome was pressed."""
        job = await self.operations.job(press.data.removeprefix(AGAIN_PREFIX))
        if job is None or job.kind in TAKE_SERVER_AWAY:  # that one is asked about
            await press.toast(press_texts.UNKNOWN_JOB)
            return
        act = OF_JOB.get(job.kind, Act.RESTORE)
        if refusal := await self.permits.refusal(press.own_request, act, job.label):
            await press.toast(refusal)
            return
        request = press.own_request
        if await self.answers.is_written(request):
            return
        if press.is_young:
            await self._try_again(job, press)
        elif await self.starts.begun_from(request.origin) is None:
            await self.answers.note_old_press(press.place)
        else:
            await self._begin(job, press)

    async def _try_again(self, job: Job, press: Press) -> None:
        message = press.place.origin
        if message in self._claimed:
            await press.toast(press_texts.TRIED_ALREADY)
            return
        self._claimed.add(message)
        try:
            if await self.starts.is_served(press.own_request):
                await press.toast(press_texts.TRIED_ALREADY)
                return
            await press.toast(press_texts.TRYING_AGAIN)
            await self._begin(job, press)
        finally:
            self._claimed.discard(message)

    async def _begin(self, job: Job, press: Press) -> None:
        request = press.own_request
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
