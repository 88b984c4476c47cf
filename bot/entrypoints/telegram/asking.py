"""The port by which services ask for a decision; `QuestionDesk.ask` is behind it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from bot.entrypoints.telegram import question_texts
from bot.entrypoints.telegram.questions import PATIENCE


class Ask(Protocol):
    """Asks one person for a decision; for services that may not go on without one."""

    async def __call__(  # noqa: PLR0913 - each says one thing about a question
        self,
        *,
        chat: int,
        thread: int | None,
        person: int,
        plan_hash: str,
        text: str,
        choices: Sequence[str],
        within: timedelta = PATIENCE,
        unanswered: str = question_texts.TOO_LATE,
    ) -> str | None:
        """The choice of *person*; None when it did not come in time or the plan was replaced.

        *text* is HTML, *unanswered* stands under it where nobody answers. A question to the same
        person in the same chat about another plan ends an earlier one.
        """
