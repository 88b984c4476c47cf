"""What an answer to a question sets going, as it is told to the desk that takes the answers."""

from enum import Enum, auto
from typing import Protocol

from bot.entrypoints.telegram.pressed import Press
from bot.services.journal_ports import Question


class Extent(Enum):
    """How much of an effect has happened."""

    NOTHING = auto()
    PART = auto()
    ALL = auto()


class Effect(Protocol):
    """What happens on an answer.

    It may happen again, if the process is killed in it or the journal does not answer, and must
    then change nothing more.
    """

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Let it happen."""

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """How much of it has happened, before a kill."""
