"""The questions for a word, as they stand in the chat, by whom they were put to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.typed import Put
from bot.services.journal_ports import QUESTION_KEY, Questions


@dataclass(frozen=True)
class Standing:
    """*moved* are groups with a new number."""

    questions: Questions
    outgoing: Outgoing
    moved: Mapping[int, int]

    async def own(self, word: str, press: Press) -> Sequence[Put]:
        """Those that the person was asked in that topic, answered or not, the newest first."""
        place = press.place
        found = await self.questions.worded(word, press.person.id, place.chat)
        put = [(each, await self.outgoing.find(message_key(each[0].id))) for each in found]
        return [
            Put(question, answer, queued)
            for (question, answer), queued in put
            if queued and queued.message.thread == place.thread
        ]

    async def of_others(self, word: str, press: Press) -> Sequence[Put]:
        """Those that others were asked there, and that look open."""
        place = press.place
        there = (self.moved.get(place.chat, place.chat), place.thread)
        put = []
        for queued in await self.outgoing.named(QUESTION_KEY):
            message = queued.message
            if message.buttons and (message.chat, message.thread) == there:
                found = await self.questions.find(message.key.removeprefix(QUESTION_KEY))
                if found and found[0].word == word and found[0].person != press.person.id:
                    put.append(Put(*found, queued))
        return put


def message_key(question_id: str) -> str:
    """`abc.2` continues `abc`, in the same message."""
    return f"{QUESTION_KEY}{question_id.partition('.')[0]}"
