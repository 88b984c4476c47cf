"""Asks whether a restore shall be done: first its plan, then once more, then it begins.

Where rows are lost, the second answer is a word that must be typed. Both questions lie in the
journal, name the backup and carry the hash of the plan that was shown. The job compares that with
what it would do, and does nothing else.
"""

from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Self

from bot.domain.errors import RefusedError
from bot.domain.jobs import JobKind, Trigger
from bot.domain.messages import RunRestore
from bot.domain.orders import OrderKind
from bot.domain.restore import KEPT, UNDO
from bot.domain.restore_choice import choose_to_restore
from bot.domain.restore_plan import Preview
from bot.entrypoints.telegram import backup_texts, restore_plan_texts, texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.button_texts import GO_ON, LEAVE, NO, REPLACE_NOW
from bot.entrypoints.telegram.effects import Extent
from bot.entrypoints.telegram.inquiries import Inquiries, Look
from bot.entrypoints.telegram.pressed import RESTORE, Press
from bot.entrypoints.telegram.questions import PATIENCE, QuestionDesk, question_of
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Answer
from bot.services.journal_ports import Question
from bot.services.operations import Operations
from bot.services.ports import Clock

PLAN = "p"
_LOSES, _KEEPS = "loses", "keeps"
LAST_OF_RESTORE = "y"


@dataclass(frozen=True)
class _Agreed:
    """What a question is about: *subject* is a backup's id or, of an undo, the job's."""

    is_undo: bool
    subject: str
    plan_hash: str
    loses_rows: bool

    def line(self) -> str:
        """As it stands where the hash of a plan would."""
        loses = _LOSES if self.loses_rows else _KEEPS
        return f"{UNDO if self.is_undo else 'backup'} {self.subject} {self.plan_hash} {loses}"

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """What *preview* shows."""
        subject = preview.undo_of or preview.backup_id or ""
        return cls(preview.undo_of is not None, subject, preview.plan_hash, preview.loses_rows)

    @classmethod
    def read(cls, line: str) -> Self:
        """Read what `line` wrote."""
        what, subject, plan_hash, *loses = line.split(" ")
        return cls(what == UNDO, subject, plan_hash, loses != [_KEEPS])

    @property
    def words(self) -> str:
        """As the job is told; never "latest"."""
        return UNDO if self.is_undo else self.subject


class Restoring:
    """Shows plans and takes the answers; the effect of both its questions as well."""

    def __init__(  # noqa: PLR0913, PLR0917 - its whole surroundings
        self,
        operations: Operations,
        desk: QuestionDesk,
        starts: Starts,
        answers: Answers,
        inquiries: Inquiries,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._operations = operations
        self._desk = desk
        self._starts = starts
        self._answers = answers
        self._inquiries = inquiries
        self._clock = clock
        self._zone = zone
        for kind in (PLAN, LAST_OF_RESTORE):
            desk.on_answer(kind, self)

    async def plan(self, request: Request, wanted: str) -> str | None:
        """Show what restoring the backup that *wanted* names would do, and ask.

        Why not, or None: it comes as a new message.
        """
        return await self._begin_look(request, wanted, partial(self._look, request, wanted))

    async def plan_undo(self, request: Request, job: str = "") -> str | None:
        """Likewise of taking the last restore back; *job*: only if that is the last one."""
        look = partial(self._look_at_undo, request, job)
        return await self._begin_look(request, UNDO, look)

    async def _begin_look(self, request: Request, about: str, look: Look) -> str | None:
        if busy := await self._starts.is_busy(request, OrderKind.RESTORE, about):
            return busy
        await self._inquiries.begin(request, restore_plan_texts.looking(), look)
        return None

    async def _look(self, request: Request, wanted: str) -> Answer:
        records = await self._operations.backups()
        try:
            record = choose_to_restore(records, wanted)
        except RefusedError as error:
            await self._starts.refuse(request, OrderKind.RESTORE, wanted, error)
            return backup_texts.no_such_backup(error) if records else backup_texts.none_yet()
        return await self._ask(request, _command(request, backup=record.id))

    async def _look_at_undo(self, request: Request, job: str) -> str | None:
        return await self._ask(request, _command(request, undo=True), job)

    async def _ask(self, request: Request, command: RunRestore, job: str = "") -> str | None:
        try:
            preview = await self._operations.plan_restore(command)
        except RefusedError as error:
            about = UNDO if command.undo else command.backup
            await self._starts.refuse(request, OrderKind.RESTORE, about, error)
            if await self._keeps_nothing(job):
                return restore_plan_texts.too_late(job)
            return restore_plan_texts.refused(error)
        if job and preview.undo_of != job:
            return restore_plan_texts.not_the_last(job)
        question = Question(
            id=question_of(PLAN, request.id),
            plan_hash=_Agreed.of(preview).line(),
            person=request.person.id,
            chat=request.place.chat,
            expires=self._clock.now() + PATIENCE,
            choices=(GO_ON, NO),
        )
        agreed = _Agreed.of(preview)
        await self._starts.ask(request, OrderKind.RESTORE, agreed.words, question)
        text = restore_plan_texts.plan(preview, self._wall())
        await self._desk.put(question, request.place.thread, text)
        return None

    async def _keeps_nothing(self, job_id: str) -> bool:
        """Whether what that restore had kept is gone, which its button cannot show."""
        job = await self._operations.job(job_id) if job_id else None
        return job is not None and not job.plan.get(KEPT)

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Ask once more after the plan, and begin after that."""
        agreed = _Agreed.read(question.plan_hash)
        await self._starts.answered(question)
        if choice in {NO, LEAVE}:
            await self._starts.decline(press.own_request, OrderKind.RESTORE, agreed.words)
        elif choice == GO_ON:
            await self._ask_once_more(question, press)
        elif choice in {REPLACE_NOW, RESTORE} and not await self._answers.is_written(press.request):
            begin = self._starts.begin(
                press.request, JobKind.RESTORE, agreed.words, agreed.plan_hash
            )
            await self._answers.carry_out(press.request, begin)

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """Whether an earlier process has asked once more, or begun the job."""
        if choice == GO_ON:
            happened = await self._desk.is_put(_last_of(question))
        elif choice in {REPLACE_NOW, RESTORE}:
            happened = await self._starts.is_dealt_with(press.request)
        else:
            happened = True
        return Extent.ALL if happened else Extent.NOTHING

    async def _ask_once_more(self, question: Question, press: Press) -> None:
        """A message of its own, the dangerous button, if any, where the harmless one was."""
        agreed = _Agreed.read(question.plan_hash)
        last = Question(
            id=_last_of(question),
            plan_hash=question.plan_hash,
            person=question.person,
            chat=question.chat,
            expires=self._clock.now() + PATIENCE,
            choices=(LEAVE,) if agreed.loses_rows else (LEAVE, REPLACE_NOW),
            word=RESTORE if agreed.loses_rows else "",
        )
        await self._starts.ask(press.own_request, OrderKind.RESTORE, agreed.words, last)
        how = restore_plan_texts.how_to_agree(
            loses_rows=agreed.loses_rows, is_group=press.place.is_group
        )
        text = restore_plan_texts.once_more(
            agreed.subject, how, self._wall(), is_undo=agreed.is_undo
        )
        await self._desk.put(last, press.place.thread, text)

    def _wall(self) -> texts.Wall:
        return texts.Wall(self._clock.now(), self._zone)


def _last_of(question: Question) -> str:
    return LAST_OF_RESTORE + question.id[1:]


def _command(request: Request, *, backup: str = "", undo: bool = False) -> RunRestore:
    """What is asked about; whether it is done is for another command to say."""
    return RunRestore(trigger=Trigger.CHAT, actor=request.person.actor, backup=backup, undo=undo)
