"""Questions that could not be sent before they expired: they arrive closed, with no button."""

from dataclasses import dataclass

from bot.entrypoints.telegram import question_texts, texts
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.questions import ASKED, question_in
from bot.entrypoints.telegram.queue import Delivery
from bot.services.journal_ports import QUESTION_KEY, Message, Questions


@dataclass(frozen=True)
class Lapsed:
    """Looks at each question once more just before it is sent."""

    questions: Questions
    outgoing: Outgoing

    async def closed(self, delivery: Delivery) -> Delivery:
        """*delivery*, or what is to be sent instead of a question that has expired."""
        message = delivery.message
        if delivery.is_edit or not await self._has_expired(message):
            return delivery
        await self.outgoing.change(
            message.key, texts.closed(message.text, question_texts.NEVER_ASKED)
        )
        found = await self.outgoing.find(message.key)
        return Delivery((found,), found.message) if found else delivery

    async def _has_expired(self, message: Message) -> bool:
        """What a job asks is closed by whoever waits for the answer, and knows what follows."""
        if not (message.buttons and message.key.startswith(QUESTION_KEY)):
            return False
        question_id, _ = question_in(message.buttons[0][0][1])
        found = await self.questions.find(question_id)
        if found is None or question_id.startswith(ASKED):
            return False
        question, answer = found
        return not answer and question.expires <= self.outgoing.clock.now()
