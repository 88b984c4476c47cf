"""Choices by buttons, where a command needs a word that its person has not said.

A button stands for the whole command, which is carried out as if that person had sent it then: by
the role of now, and beside what runs now. The commands stand where the hash of a plan would.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bot.domain.roles import Act
from bot.entrypoints.telegram.asked import Asked, Request
from bot.entrypoints.telegram.button_texts import NEVER_MIND
from bot.entrypoints.telegram.effects import Extent
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.questions import PATIENCE, QuestionDesk, question_of
from bot.services.journal_ports import Question
from bot.services.ports import Clock

OF_CHOICE = {
    "r": Act.RESTORE,
    "d": Act.DRILL,
    "v": Act.VERIFY,
    "t": Act.UPDATE,
    "w": Act.PAUSE,
    "m": Act.MUTE,
}
"""What is chosen for, by the first letter of the questions' ids."""


@dataclass(frozen=True)
class Choice:
    """A button's *label*, no two alike in a message, and the *command* that it stands for."""

    label: str
    command: str


def choice_of(act: Act, request_id: str) -> str:
    """The id of the question that offers what to choose for that request."""
    kind = next(letter for letter, chosen in OF_CHOICE.items() if chosen is act)
    return question_of(kind, request_id)


@dataclass(frozen=True)
class Choosing:
    """Offers choices, each list once."""

    desk: QuestionDesk
    clock: Clock

    async def offer(self, request: Request, act: Act, text: str, choices: Sequence[Choice]) -> None:
        """Put *choices* under *text*, for whoever has asked, and for them alone."""
        name, now = choice_of(act, request.id), self.clock.now()
        if await self.desk.is_put(name):
            return  # before a kill, which kept the command from being marked as handled
        commands = [
            Asked(place=request.place, person=request.person, text=each.command, sent=now)
            for each in choices
        ]
        question = Question(
            id=name,
            plan_hash="\n".join(each.line() for each in commands),
            person=request.person.id,
            chat=request.place.chat,
            expires=now + PATIENCE,
            choices=(*(each.label for each in choices), NEVER_MIND),
        )
        await self.desk.put(question, request.place.thread, text)


@dataclass(frozen=True)
class Chosen:
    """The effect of such a question: *run* carries its command out, once.

    *is_dealt_with* tells whether an earlier process has done that.
    """

    run: Callable[[Asked], Awaitable[None]]
    is_dealt_with: Callable[[Request], Awaitable[bool]]

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Carry the chosen command out."""
        if asked := _command(question, choice, press):
            await self.run(asked)

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """Whether an earlier process has dealt with it."""
        asked = _command(question, choice, press)
        happened = asked is None or await self.is_dealt_with(asked.request)
        return Extent.ALL if happened else Extent.NOTHING


def _command(question: Question, choice: str, press: Press) -> Asked | None:
    """As a request of its own, since the command that asked for the choice was one, too."""
    if choice == NEVER_MIND:
        return None
    line = question.plan_hash.split("\n")[question.choices.index(choice)]
    return Asked.from_line(line, press.person, question.id)
