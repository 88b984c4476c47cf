"""Takes commands: each is carried out once, and answered at once.

An answer lies in the outbox under the message that asked for it; a command that was being handled
when the process was killed, or the journal did not answer, is handled again, finds its answer or
its job there, and changes nothing more.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.errors import BotError
from bot.domain.orders import OrderKind
from bot.entrypoints.telegram import failure_texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Asked, Request
from bot.entrypoints.telegram.command_table import COMMANDS, UNKNOWN
from bot.entrypoints.telegram.commands import Commands
from bot.entrypoints.telegram.permits import Permits


@dataclass(frozen=True)
class Requests:
    """Judges who may, and has *commands* carried out."""

    commands: Commands
    answers: Answers
    permits: Permits

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
        command = COMMANDS.get(asked.command, UNKNOWN)
        if refusal := await self.permits.refusal(asked.request, command.act, asked.words):
            await self.answers.write(asked.request, refusal)
            return
        await self.answers.carry_out(asked.request, command.run(self.commands, asked))

    async def offer(self, asked: Asked, expires: datetime) -> None:
        """Write down that it is offered again; counts once that has expired.

        `answered` must follow an answer.
        """
        if kind := _kind_of(asked):
            order = asked.request.order(kind, asked.words, self.commands.clock.now())
            await self.permits.orders.ask(replace(order, id=_offered(asked)), expires)

    async def answered(self, asked: Asked) -> None:
        """Its offer was answered in time, or another command took its place."""
        await self.permits.orders.answered(_offered(asked))

    async def decline(self, asked: Asked) -> None:
        """Write down that its person said no to a command when it was offered again."""
        if kind := _kind_of(asked):
            await self.commands.starts.decline(asked.request, kind, asked.words)

    async def give_up(self, request: Request, error: BotError) -> None:
        """Say that it could not be carried out, tried often enough."""
        await self.answers.write(request, failure_texts.command_failed(error, self.answers.wall()))


def _kind_of(asked: Asked) -> OrderKind | None:
    """What it would have done; None for what only shows something."""
    act = COMMANDS.get(asked.command, UNKNOWN).act
    return OrderKind(act) if act in [*OrderKind] else None


def _offered(asked: Asked) -> str:
    """Names the offer among the orders, in whichever edition it is put."""
    return f"offered {asked.place.origin}"
