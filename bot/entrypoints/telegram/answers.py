"""The answers to requests, as they lie in the outbox. Their keys say what each of them promises."""

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from bot.domain.backup_id import BackupId
from bot.domain.errors import BotError, is_retryable
from bot.entrypoints.telegram import failure_texts, texts
from bot.entrypoints.telegram.asked import Place, Request
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.texts import Answer, Shown, Wall
from bot.entrypoints.telegram.typing_sign import Sign, no_sign
from bot.services.journal_ports import Buttons, Message, Queued

logger = logging.getLogger(__name__)

_ANSWER = "answer:"
_LATE = "late:"
_STOPPING = "stopping:"
_LOOKING = "looking:"
_PICTURE = "picture:"


@dataclass(frozen=True)
class Answers:
    """Writes answers, one for each request, with times in *zone*.

    *sign* shows that one takes its time.
    """

    outgoing: Outgoing
    zone: tzinfo
    sign: Sign = no_sign

    def wall(self) -> Wall:
        """The clock of whoever reads them."""
        return Wall(self.outgoing.clock.now(), self.zone)

    async def is_written(self, request: Request) -> bool:
        """Whether there is an answer, of whatever kind."""
        keys = [f"{kind}{request.id}" for kind in (_ANSWER, _LATE, _LOOKING)]
        if any([await self.outgoing.find(key) for key in keys]):
            return True
        stops = await self.outgoing.named(_STOPPING)
        return any(each.message.key.endswith(f" {request.id}") for each in stops)

    async def write(
        self,
        request: Request,
        text: str,
        buttons: Buttons = (),
        *,
        document: tuple[str, str] | None = None,
    ) -> None:
        """Answer; what was asked for is done with. *text* is the caption of a *document*."""
        await self._put(f"{_ANSWER}{request.id}", request, text, buttons, document)

    async def illustrate(self, request: Request, caption: str, picture: bytes | None) -> None:
        """Show what belongs to an answer, as a PNG, or in words alone; it does not ring again."""
        place = request.place
        await self.outgoing.put(
            Message(
                key=f"{_PICTURE}{request.id}",
                chat=place.chat,
                thread=place.thread,
                text=caption,
                silent=True,
                picture=picture,
            )
        )

    async def carry_out(self, request: Request, answer: Awaitable[Answer]) -> bool:
        """Write the answer, or why there is none; whether all was told without one.

        Raises what may pass: then carry it out again.
        """
        try:
            async with self.sign(request.place):
                found = await answer
        except BotError as error:
            if is_retryable(error):
                raise
            found = failure_texts.command_failed(error, self.wall())
        except Exception:  # boundary: the person hears of it, and the chat goes on
            logger.exception("a command failed")
            found = texts.went_wrong()
        if found is None:
            return True
        await self.tell(request, found)
        return False

    async def tell(self, request: Request, found: str | Shown) -> None:
        """Answer with what was found, and with its buttons if it has some."""
        shown = Shown(found) if isinstance(found, str) else found
        await self.write(request, shown.text, shown.buttons)

    async def promise(self, request: Request, text: str) -> None:
        """Say that a job takes its time to begin, and that its outcome will be told."""
        await self._put(f"{_LATE}{request.id}", request, text)

    async def look(self, request: Request, text: str) -> None:
        """Say that it is being looked at, which takes a while and changes nothing."""
        place = request.place
        key = f"{_LOOKING}{request.id}"
        await self.outgoing.put(
            Message(key=key, chat=place.chat, thread=place.thread, text=text, silent=True)
        )

    async def still_looking(self, request: Request, text: str) -> None:
        """Let what said so say how far that is."""
        await self.outgoing.change(f"{_LOOKING}{request.id}", text)

    async def looked(self, request_id: str, text: str) -> None:
        """Let what said so end."""
        await self.outgoing.change(f"{_LOOKING}{request_id}", text)

    async def looks(self) -> Sequence[tuple[str, Queued]]:
        """What was being looked at, with the id of each request."""
        found = await self.outgoing.named(_LOOKING)
        return [(each.message.key.removeprefix(_LOOKING), each) for each in found]

    async def has_answer(self, request_id: str) -> bool:
        """Whether it was answered for good."""
        return await self.outgoing.find(f"{_ANSWER}{request_id}") is not None

    async def promises(self) -> Sequence[tuple[str, Queued]]:
        """What was promised, with the id of each request."""
        found = await self.outgoing.named(_LATE)
        return [(each.message.key.removeprefix(_LATE), each) for each in found]

    async def keep(self, request_id: str, promise: Queued, text: str) -> None:
        """Answer a request of which only the promise is left."""
        key, to = f"{_ANSWER}{request_id}", promise.message
        await self.outgoing.put(Message(key=key, chat=to.chat, thread=to.thread, text=text))

    async def note_old_press(self, place: Place) -> None:
        """Say under the message there that a press of a button came too late to count."""
        if queued := await self.outgoing.at(place.chat, place.message_id):
            message = queued.message
            await self.outgoing.change(message.key, texts.old_press(message.text), message.buttons)

    async def stopping(self, request: Request, job_id: BackupId, text: str) -> None:
        """Say that a job is being stopped, and that its outcome will be told."""
        await self._put(f"{_STOPPING}{job_id} {request.id}", request, text)

    async def stops(self, job_id: BackupId) -> Sequence[Message]:
        """What was said to those who asked to stop a job."""
        return [each.message for each in await self.outgoing.named(f"{_STOPPING}{job_id} ")]

    async def _put(
        self,
        key: str,
        request: Request,
        text: str,
        buttons: Buttons = (),
        document: tuple[str, str] | None = None,
    ) -> None:
        place = request.place
        await self.outgoing.put(
            Message(
                key=key,
                chat=place.chat,
                thread=place.thread,
                text=text,
                buttons=buttons,
                document=document,
            )
        )
