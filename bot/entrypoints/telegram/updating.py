"""Asks whether an update shall be done: first its way, and once more where nothing is rehearsed.

The questions lie in the journal, name the version and carry the hash of the plan that was shown.
The job compares that with what it would do, and does nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from typing import Self

from bot.domain.errors import (
    BotError,
    ConfigError,
    RefusedError,
    UnfitError,
    UpToDateError,
)
from bot.domain.jobs import Trigger
from bot.domain.messages import RunUpdate
from bot.domain.orders import OrderKind
from bot.domain.roles import Act
from bot.domain.update_preview import UpdatePreview
from bot.domain.versions import parse_target
from bot.entrypoints.telegram import restore_plan_texts, update_plan_texts
from bot.entrypoints.telegram.answers import Answers
from bot.entrypoints.telegram.asked import Request
from bot.entrypoints.telegram.button_texts import (
    LEAVE,
    NO,
    UNREHEARSED,
    UPDATE,
    WITH_COMPOSE,
    WITHOUT_REHEARSAL,
)
from bot.entrypoints.telegram.choosing import Choice, Choosing
from bot.entrypoints.telegram.effects import Extent
from bot.entrypoints.telegram.inquiries import Inquiries, Look
from bot.entrypoints.telegram.outgoing import Outgoing
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.questions import PATIENCE, QuestionDesk, question_of
from bot.entrypoints.telegram.starts import Starts
from bot.entrypoints.telegram.texts import Wall
from bot.services.journal_ports import Message, Question
from bot.services.operations import Rolls
from bot.services.ports import Clock

WAY = "u"
LAST_OF_UPDATE = "n"
_NOT_TOLD = "-"


@dataclass(frozen=True)
class _Agreed:
    """What a question is about: a version, whether the files are changed, and two plans' hashes."""

    tag: str
    apply_compose: bool
    rehearsed: str
    unrehearsed: str

    def line(self) -> str:
        """As it stands where the hash of a plan would."""
        compose = "compose" if self.apply_compose else _NOT_TOLD
        return f"{self.tag} {compose} {self.rehearsed} {self.unrehearsed}"

    @classmethod
    def read(cls, line: str) -> Self:
        """Read what `line` wrote."""
        tag, compose, rehearsed, unrehearsed = line.split(" ")
        return cls(tag, compose != _NOT_TOLD, rehearsed, unrehearsed)

    @classmethod
    def of(cls, preview: UpdatePreview, *, apply_compose: bool) -> Self:
        """What *preview* shows, which is rehearsed."""
        return cls(preview.target, apply_compose, preview.plan_hash, preview.unrehearsed.plan_hash)


class Updating:
    """Shows ways and takes the answers; the effect of both its questions as well."""

    def __init__(  # noqa: PLR0913, PLR0917 - its whole surroundings
        self,
        rolls: Rolls,
        desk: QuestionDesk,
        outgoing: Outgoing,
        choosing: Choosing,
        starts: Starts,
        answers: Answers,
        inquiries: Inquiries,
        clock: Clock,
        zone: tzinfo,
    ) -> None:
        self._rolls = rolls
        self._desk = desk
        self._outgoing = outgoing
        self._starts = starts
        self._answers = answers
        self._inquiries = inquiries
        self._choosing = choosing
        self._clock = clock
        self._zone = zone
        for kind in (WAY, LAST_OF_UPDATE):
            desk.on_answer(kind, self)

    async def plan(self, request: Request, wanted: str) -> str | None:
        """Show the way to the version *wanted*, "" for the newest, and ask.

        Why not, or None: it comes as a new message.
        """
        try:
            tag = str(parse_target(wanted)) if wanted else ""
        except ConfigError as error:
            return update_plan_texts.no_version(error)
        look = partial(self._look, request, tag, apply_compose=False)
        return await self._begin_look(request, tag, look)

    async def choose(self, request: Request) -> str | None:
        """Offer the versions that somebody may want; where there is one, as `plan` does."""
        return await self._begin_look(request, "", partial(self._look_around, request))

    async def _look_around(self, request: Request) -> str | None:
        try:
            targets = await self._rolls.targets()
        except BotError:
            targets = ()  # the plan tells what is in the way
        if len(targets) <= 1:
            return await self._look(request, "", apply_compose=False)
        text = update_plan_texts.which_version(targets)
        choices = [
            Choice(update_plan_texts.version_label(each), f"/{Act.UPDATE} {each.version}")
            for each in targets
        ]
        await self._choosing.offer(request, Act.UPDATE, text, choices)
        return None

    async def _begin_look(self, request: Request, tag: str, look: Look) -> str | None:
        if busy := await self._starts.is_busy(request, OrderKind.UPDATE, tag):
            return busy
        await self._inquiries.begin(request, restore_plan_texts.looking(), look)
        return None

    async def _look(self, request: Request, tag: str, *, apply_compose: bool) -> str | None:
        try:
            preview = await self._rolls.preview(_command(request, tag, apply_compose=apply_compose))
        except UpToDateError as error:
            return update_plan_texts.up_to_date(error, tag)
        except UnfitError as error:
            if not error.by_compose or apply_compose:
                await self._starts.refuse(request, OrderKind.UPDATE, tag, error)
                return update_plan_texts.refused(error)
            return await self._look(request, tag, apply_compose=True)
        except RefusedError as error:
            await self._starts.refuse(request, OrderKind.UPDATE, tag, error)
            return update_plan_texts.refused(error)
        await self._ask(request, preview, apply_compose=apply_compose)
        return None

    async def _ask(self, request: Request, preview: UpdatePreview, *, apply_compose: bool) -> None:
        compose = (WITH_COMPOSE,) if preview.wants_compose and not apply_compose else ()
        choices = (UPDATE, *compose, UNREHEARSED, NO)
        agreed = _Agreed.of(preview, apply_compose=apply_compose)
        question = self._question(question_of(WAY, request.id), agreed, request, choices)
        await self._starts.ask(request, OrderKind.UPDATE, agreed.tag, question)
        shown = update_plan_texts.plan(preview, self._wall())
        if shown.document:
            place = request.place
            whole = Message(
                key=f"way:{question.id}",
                chat=place.chat,
                thread=place.thread,
                text=update_plan_texts.whole_way(preview),
                document=shown.document,
                silent=True,
            )
            await self._outgoing.put(whole)
        await self._desk.put(question, request.place.thread, shown.text)

    def _wall(self) -> Wall:
        return Wall(self._clock.now(), self._zone)

    def _question(
        self, name: str, agreed: _Agreed, request: Request, choices: Sequence[str]
    ) -> Question:
        return Question(
            id=name,
            plan_hash=agreed.line(),
            person=request.person.id,
            chat=request.place.chat,
            expires=self._clock.now() + PATIENCE,
            choices=tuple(choices),
        )

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Begin, look once more, or ask once more."""
        agreed = _Agreed.read(question.plan_hash)
        await self._starts.answered(question)
        if choice in {NO, LEAVE}:
            await self._starts.decline(press.own_request, OrderKind.UPDATE, agreed.tag)
        elif choice == UNREHEARSED:
            last = self._question(
                _last_of(question), agreed, press.request, (LEAVE, WITHOUT_REHEARSAL)
            )
            await self._starts.ask(press.own_request, OrderKind.UPDATE, agreed.tag, last)
            text = update_plan_texts.once_more(agreed.tag)
            await self._desk.put(last, press.place.thread, text)
        elif choice in {UPDATE, WITH_COMPOSE, WITHOUT_REHEARSAL}:
            if await self._answers.is_written(press.request):
                return
            if choice == WITH_COMPOSE:
                look = partial(self._look, press.request, agreed.tag, apply_compose=True)
                act = self._begin_look(press.request, agreed.tag, look)
            else:
                act = self._begin(press.request, agreed, rehearse=choice == UPDATE)
            await self._answers.carry_out(press.request, act)

    async def _begin(self, request: Request, agreed: _Agreed, *, rehearse: bool) -> str | None:
        command = _command(
            request,
            agreed.tag,
            apply_compose=agreed.apply_compose,
            rehearse=rehearse,
            agreed=agreed.rehearsed if rehearse else agreed.unrehearsed,
        )
        return await self._starts.begin_with(request, command)

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """Whether an earlier process has begun the job, or has looked or asked once more."""
        if choice == UNREHEARSED:
            happened = await self._desk.is_put(_last_of(question))
        elif choice in {UPDATE, WITH_COMPOSE, WITHOUT_REHEARSAL}:
            happened = await self._starts.is_dealt_with(press.request)
        else:
            happened = True
        return Extent.ALL if happened else Extent.NOTHING


def _last_of(question: Question) -> str:
    return LAST_OF_UPDATE + question.id[1:]


def _command(
    request: Request, tag: str, *, apply_compose: bool, rehearse: bool = True, agreed: str = ""
) -> RunUpdate:
    """The label is the version, by which its way can be shown anew."""
    return RunUpdate(
        trigger=Trigger.CHAT,
        actor=request.person.actor,
        origin=request.origin,
        label=tag,
        tag=tag,
        rehearse=rehearse,
        apply_compose=apply_compose,
        agreed=agreed,
    )
