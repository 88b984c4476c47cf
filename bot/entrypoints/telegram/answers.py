"""The answers to requests, as they lie in the outbox. Their keys say what each of them promises."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.backup_id import BackupId
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.services.journal_ports import Message, Queued

_ANSWER = "answer:"
_LATE = "late:"
_STOPPING = "stopping:"


@dataclass(frozen=True)
class Answers:
    """Writes answers, one for each request."""

    outgoing: Outgoing

    async def is_written(self, request: Request) -> bool:
        """Whether there is an answer, of whatever kind."""
        keys = (f"{_ANSWER}{request.id}", f"{_LATE}{request.id}")
        if any([await self.outgoing.find(key) for key in keys]):
            return True
        stops = await self.outgoing.named(_STOPPING)
        return any(each.message.key.endswith(f" {request.id}") for each in stops)

    async def write(self, request: Request, text: str) -> None:
        """Answer; what was asked for is done with."""
        await self._put(f"{_ANSWER}{request.id}", request, text)

    async def promise(self, request: Request, text: str) -> None:
        """Say that a job takes its time to begin, and that its outcome will be told."""
        await self._put(f"{_LATE}{request.id}", request, text)

    async def promises(self) -> Sequence[tuple[str, Queued]]:
        """What was promised, with the id of each request."""
        found = await self.outgoing.named(_LATE)
        return [(each.message.key.removeprefix(_LATE), each) for each in found]

    async def keep(self, request_id: str, promise: Queued, text: str) -> None:
        """Answer a request of which only the promise is left."""
        key, to = f"{_ANSWER}{request_id}", promise.message
        await self.outgoing.put(Message(key=key, chat=to.chat, thread=to.thread, text=text))

    async def stopping(self, request: Request, job_id: BackupId, text: str) -> None:
        """Say that a job is being stopped, and that its outcome will be told."""
        await self._put(f"{_STOPPING}{job_id} {request.id}", request, text)

    async def stops(self, job_id: BackupId) -> Sequence[Message]:
        """What was said to those who asked to stop a job."""
        return [each.message for each in await self.outgoing.named(f"{_STOPPING}{job_id} ")]

    async def _put(self, key: str, request: Request, text: str) -> None:
        place = request.place
        await self.outgoing.put(Message(key=key, chat=place.chat, thread=place.thread, text=text))
