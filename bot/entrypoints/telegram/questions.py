"""Questions with buttons: put to one person, about one plan, once, and not for long.

Services ask through the port `Ask`, in `asking`; the chat itself asks with `put` and an effect of
its own. Buttons carry `q:<id>:<index of the choice>`.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from hashlib import sha256
from typing import Any

from bot.entrypoints.telegram import question_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.effects import Effect, Extent
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.standing import Standing, message_key
from bot.entrypoints.telegram.typed import Put, Typed, is_for_another, meant
from bot.services.journal_ports import Buttons, Message, Question, Questions
from bot.services.ports import Clock

PATIENCE = timedelta(minutes=2)
PREFIX = "q:"
ASKED = "a"
"""What the ids of questions begin with that come through the port."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 12


def question_of(kind: str, request_id: str) -> str:
    """The id of the question of that kind to which the look of a request leads."""
    return kind + sha256(request_id.encode()).hexdigest()[:_ID_LENGTH]


@dataclass(frozen=True)
class _Waiting:
    question: Question
    answer: "asyncio.Future[str | None]"


class QuestionDesk:
    """Puts questions, and takes the answers that count; *moved* are groups with a new number."""

    def __init__(
        self,
        questions: Questions,
        outgoing: Outgoing,
        clock: Clock,
        zone: tzinfo,
        moved: Mapping[int, int],
    ) -> None:
        self._moved = moved
        self._questions = questions
        self._outgoing = outgoing
        self._standing = Standing(questions, outgoing, moved)
        self._answers = Answers(outgoing, zone)
        self._clock = clock
        self._zone = zone
        self._waiting: dict[str, _Waiting] = {}
        self._effects: dict[str, Effect] = {}

    def on_answer(self, kind: str, effect: Effect) -> None:
        """Let *effect* happen on each answer to a question whose id begins with *kind*."""
        self._effects[kind] = effect

    async def ask(  # noqa: PLR0913 - the port `Ask`
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
        question = Question(
            id=ASKED + self._clock.random_text(_ALPHABET, _ID_LENGTH),
            plan_hash=plan_hash,
            person=person,
            chat=chat,
            expires=self._clock.now() + within,
            choices=tuple(choices),
        )
        await self._end_earlier(question)
        waiting = _Waiting(question, asyncio.get_running_loop().create_future())
        self._waiting[question.id] = waiting
        try:
            await self._questions.ask(question)
            await self._put(question, thread, text)
            answer = await self._answer_in_time(waiting.answer, within)
        except asyncio.CancelledError:  # nobody waits any more
            await self.close(question.id, question_texts.CLOSED)
            raise
        finally:
            del self._waiting[question.id]
        if not waiting.answer.done():
            await self.close(question.id, unanswered)
        return answer

    async def _end_earlier(self, question: Question) -> None:
        for earlier in list(self._waiting.values()):
            same = (earlier.question.chat, earlier.question.person) == (
                question.chat,
                question.person,
            )
            if same and not earlier.answer.done():
                earlier.answer.set_result(None)
                await self.close(earlier.question.id, question_texts.PLAN_CHANGED)

    async def _answer_in_time(
        self, answer: "asyncio.Future[str | None]", within: timedelta
    ) -> str | None:
        patience = asyncio.create_task(self._clock.sleep(within.total_seconds()))
        try:
            waits: list[asyncio.Future[Any]] = [answer, patience]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            patience.cancel()
            await asyncio.wait({patience})
        return answer.result() if answer.done() else None

    async def put(self, question: Question, thread: int | None, text: str) -> None:
        """Put it, and say until when it stands; one that continues another replaces its message."""
        known = await self._questions.find(question.id)
        if known is None:
            await self._questions.ask(question)
        question = known[0] if known else question
        wall = texts.Wall(self._clock.now(), self._zone)
        await self._put(question, thread, question_texts.until(text, question.expires, wall))

    async def _put(self, question: Question, thread: int | None, text: str) -> None:
        key, buttons = message_key(question.id), _buttons(question)
        message = Message(key=key, chat=question.chat, thread=thread, text=text, buttons=buttons)
        if not await self._outgoing.put(message):
            await self._outgoing.change(key, text, buttons)

    async def is_put(self, question_id: str) -> bool:
        """Whether there is a message for it already."""
        return await self._outgoing.find(message_key(question_id)) is not None

    async def is_open(self, question_id: str) -> bool:
        """Whether a question can still be answered."""
        found = await self._questions.find(question_id)
        return found is not None and not found[1] and self._clock.now() < found[0].expires

    async def is_anothers(self, press: Press) -> bool:
        """Whether somebody else was asked that, or in another chat."""
        found = await self._questions.find(question_in(press.data)[0])
        return found is not None and not self._is_for(found[0], press)

    def _is_for(self, question: Question, press: Press) -> bool:
        chat = self._moved.get(press.place.chat, press.place.chat)  # of a message from before
        return (press.person.id, chat) == (question.person, question.chat)

    async def press(self, press: Press) -> None:
        """Take the answer, if it is one that counts, and say so to whoever pressed.

        One that `is_anothers` does not.
        """
        question_id, index = question_in(press.data)
        found = await self._questions.find(question_id)
        if (
            found is None
            or not self._is_for(found[0], press)
            or not index.isdecimal()
            or int(index) >= len(found[0].choices)
        ):
            await press.toast(question_texts.NOBODY_WAITS)
            return
        question, answer = found
        if refusal := self._refusal(question, answer):
            await press.toast(refusal)
            await self.close(question.id, refusal)
        else:
            await self._take(question, question.choices[int(index)], press)

    async def is_word_for_another(self, typed: Typed, press: Press) -> bool:
        """Whether a word answers what somebody else was asked, and nothing of its person's."""
        if typed.reply and typed.reply.message_id:  # which may be seen before it is known here
            await self._outgoing.at(press.place.chat, typed.reply.message_id)
        own = await self._standing.own(typed.word, press)
        others = await self._standing.of_others(typed.word, press)
        return is_for_another(typed, press.place, own, others, self._clock.now())

    async def refuse_word(self, press: Press, why: str) -> None:
        """Say so to whoever typed it."""
        await self._answers.write(press.own_request, why)

    async def typed(self, typed: Typed, press: Press) -> None:
        """Take a word for the answer to the question that it means, if it surely means one.

        One that `is_word_for_another` does not.
        """
        asked, now = await self._standing.own(typed.word, press), self._clock.now()
        found = meant(typed, press.place, asked, now)
        if isinstance(found, Put) and not found.answer:
            await self._take_word(found.question, typed.word, press)
        elif found and not await self._was_taken(asked, typed.word, press):
            await self._answers.write(press.own_request, question_texts.why_not(found, typed.word))

    async def _take_word(self, question: Question, word: str, press: Press) -> None:
        extent = await self._extent(question, word, press)
        if self._clock.now() < question.expires or extent is Extent.ALL:
            await self._take(question, word, press)
        else:
            await self._answers.write(press.own_request, question_texts.word_too_late(word))
            await self.close(question.id, question_texts.TOO_LATE)

    async def _was_taken(self, asked: Sequence[Put], word: str, press: Press) -> bool:
        """Whether it had its effect before a kill, which kept it from being marked as handled."""
        extents = [await self._extent(each.question, word, press) for each in asked]
        return Extent.ALL in extents

    def _refusal(self, question: Question, answer: str) -> str:
        if answer:
            return question_texts.answered_before(answer)
        if self._clock.now() >= question.expires:
            return question_texts.TOO_LATE
        if question.id[0] in self._effects:
            return ""
        waiting = self._waiting.get(question.id)
        if waiting is None:
            return question_texts.NOBODY_WAITS
        return question_texts.PLAN_CHANGED if waiting.answer.done() else ""

    async def _take(self, question: Question, choice: str, press: Press) -> None:
        """An effect comes before the answer is written: after a kill it is found undone."""
        effect = self._effects.get(question.id[0])
        if not press.is_young and not await self._has_happened(question, choice, press):
            return
        await press.toast(choice)
        if effect:
            await effect.happen(question, choice, press)
        await self._questions.answer(question.id, choice)
        if not effect and not self._hand_over(question.id, choice):
            await self.close(question.id, question_texts.TOO_LATE)
            return
        name = press.person.name
        await self._rewrite(question.id, lambda text: texts.answered(text, choice, name))

    async def _extent(self, question: Question, choice: str, press: Press) -> Extent:
        effect = self._effects.get(question.id[0])
        return await effect.extent(question, choice, press) if effect else Extent.NOTHING

    async def _has_happened(self, question: Question, choice: str, press: Press) -> bool:
        """Whether a press of unknown age has had its effect; if not, say what to do."""
        extent = await self._extent(question, choice, press)
        if extent is Extent.ALL:
            return True
        note = texts.cut_off if extent is Extent.PART else texts.old_press
        await self._rewrite(question.id, note, _buttons(question))
        return False

    def _hand_over(self, question_id: str, choice: str) -> bool:
        """Give the answer to whoever waits; False where nobody does any more."""
        waiting = self._waiting.get(question_id)
        if waiting is None or waiting.answer.done():
            return False
        waiting.answer.set_result(choice)
        return True

    async def close_left(self, why: str) -> None:
        """Close what a job of an earlier process has asked: nobody waits for the answer."""
        for queued in await self._outgoing.named(message_key(ASKED)):
            question_id = queued.message.key.partition(":")[2]
            if queued.message.buttons and question_id not in self._waiting:
                await self.close(question_id, why)

    async def close(self, question_id: str, why: str) -> None:
        """Take the buttons away and say why; a message without any stays as it is."""
        await self._rewrite(question_id, lambda text: texts.closed(text, why))

    async def _rewrite(
        self, question_id: str, change: Callable[[str], str], buttons: Buttons = ()
    ) -> None:
        key = message_key(question_id)
        queued = await self._outgoing.find(key)
        if queued and queued.message.buttons:
            await self._outgoing.change(key, change(queued.message.text), buttons)


def question_in(data: str) -> tuple[str, str]:
    """The id of the question whose button has that data, and the choice's index, if it is one."""
    question_id, _, index = data.removeprefix(PREFIX).partition(":")
    return question_id, index


def _buttons(question: Question) -> Buttons:
    return tuple(
        ((choice, f"{PREFIX}{question.id}:{index}"),)
        for index, choice in enumerate(question.choices)
    )
