"""Asks whether the last update shall be taken back; where that loses rows, a word must be typed.

The question lies in the journal and carries the hash of the plan that was shown.
"""

from datetime import tzinfo
from functools import partial

from bot.domain.errors import RefusedError
from bot.domain.jobs import Trigger
from bot.domain.messages import RunRollback
from bot.domain.orders import OrderKind
from bot.entrypoints.telegram import restore_plan_texts, texts, update_plan_texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.button_texts import GO_BACK, NO
from bot.entrypoints.telegram.effects import Extent
from bot.entrypoints.telegram.inquiries import Inquiries
from bot.entrypoints.telegram.pressed import ROLLBACK, Press
from bot.entrypoints.telegram.questions import PATIENCE, QuestionDesk, question_of
from bot.entrypoints.telegram.starts import Starts
from bot.services.journal_ports import Question
from bot.services.operations import Rolls
from bot.services.ports import Clock

WAY_BACK = "k"


class RollingBack:
    """Shows what is lost and takes the answer; the effect of its question as well."""

    def __init__(  # noqa: PLR0913, PLR0917 - its whole surroundings
        self,
        rolls: Rolls,
        desk: QuestionDesk,
        starts: Starts,
        answers: Answers,
        inquiries: Inquiries,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._rolls = rolls
        self._desk = desk
        self._starts = starts
        self._answers = answers
        self._inquiries = inquiries
        self._clock = clock
        self._zone = zone
        desk.on_answer(WAY_BACK, self)

    async def plan(self, request: Request, update: str = "") -> str | None:
        """Show what would be taken back, and ask; *update*: only if that is the last one.

        Why not, or None: it comes as a new message.
        """
        if busy := await self._starts.is_busy(request, OrderKind.ROLLBACK, ""):
            return busy
        look = partial(self._look, request, update)
        await self._inquiries.begin(request, restore_plan_texts.looking(), look)
        return None

    async def _look(self, request: Request, update: str) -> str | None:
        try:
            preview = await self._rolls.rollback_preview(_command(request))
        except RefusedError as error:
            await self._starts.refuse(request, OrderKind.ROLLBACK, "", error)
            return update_plan_texts.not_taken_back(error)
        if update and preview.update != update:
            return update_plan_texts.not_the_last(update)
        question = Question(
            id=question_of(WAY_BACK, request.id),
            plan_hash=preview.plan_hash,
            person=request.person.id,
            chat=request.place.chat,
            expires=self._clock.now() + PATIENCE,
            choices=(NO,) if preview.loses_rows else (GO_BACK, NO),
            word=ROLLBACK if preview.loses_rows else "",
        )
        await self._starts.ask(request, OrderKind.ROLLBACK, "", question)
        text = update_plan_texts.way_back(preview, self._wall(), is_group=request.place.is_group)
        await self._desk.put(question, request.place.thread, text)
        return None

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Begin."""
        await self._starts.answered(question)
        if choice == NO:
            await self._starts.decline(press.own_request, OrderKind.ROLLBACK, "")
        if choice not in {GO_BACK, question.word} or await self._answers.is_written(press.request):
            return
        command = _command(press.request, question.plan_hash)
        begin = self._starts.begin_with(press.request, command)
        await self._answers.carry_out(press.request, begin)

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """Whether an earlier process has begun the job."""
        begins = choice in {GO_BACK, question.word}
        happened = not begins or await self._starts.is_dealt_with(press.request)
        return Extent.ALL if happened else Extent.NOTHING

    def _wall(self) -> texts.Wall:
        return texts.Wall(self._clock.now(), self._zone)


def _command(request: Request, agreed: str = "") -> RunRollback:
    return RunRollback(
        trigger=Trigger.CHAT, actor=request.person.actor, origin=request.origin, agreed=agreed
    )
