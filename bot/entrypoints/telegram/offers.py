"""Commands that came while nobody listened: offered again, not run.

The plan of an offer is the commands themselves, so they stand in full where the hash of a plan
would: after a restart the button still knows what it means.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.ages import STALE
from bot.entrypoints.telegram.asked import Asked, Request
from bot.entrypoints.telegram.button_texts import NO, RUN_IT, RUN_THEM
from bot.entrypoints.telegram.effects import Extent
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.questions import QuestionDesk
from bot.entrypoints.telegram.requests import Requests
from bot.services.journal_ports import Question
from bot.services.ports import Clock

STANDS = timedelta(hours=1)
_BURST = timedelta(minutes=1)
_KIND = "o"


@dataclass(frozen=True)
class _Offer:
    """What stands in one message: the last of each command of a person."""

    id: str
    asked: tuple[Asked, ...]
    put: datetime
    edition: int = 0

    @property
    def question_id(self) -> str:
        return f"{self.id}.{self.edition}"

    def with_one_more(self, asked: Asked) -> "_Offer":
        others = [each for each in self.asked if each.command != asked.command]
        return replace(self, asked=(*others, asked), edition=self.edition + 1)


class Offers:
    """Asks before it runs what is older than two minutes; the effect of its questions as well.

    *is_dealt_with* tells what an earlier process did about a request, if it did anything.
    """

    def __init__(
        self,
        desk: QuestionDesk,
        clock: Clock,
        zone: tzinfo,
        requests: Requests,
        is_dealt_with: Callable[[Request], Awaitable[bool]],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._zone = zone
        self._requests = requests
        self._is_dealt_with = is_dealt_with
        self._last: dict[tuple[int, int | None, int], _Offer] = {}
        desk.on_answer(_KIND, self)

    def is_stale(self, asked: Asked) -> bool:
        """Whether it was asked for so long ago that the person may have moved on."""
        return self._clock.now() - asked.sent > STALE

    async def offer(self, asked: Asked) -> None:
        """Offer the command again, together with those that just came from the same person."""
        if await self._is_dealt_with(asked.request):
            return
        place = asked.place
        who = (place.chat, place.thread, asked.person.id)
        last = self._last.get(who)
        offer = await self._continued(last, asked)
        if not offer.edition and await self._desk.is_put(offer.question_id):
            return  # before a kill, which kept it from being marked as handled
        expires = self._clock.now() + STANDS
        await self._note(last, offer, expires)
        self._last[who] = offer
        wall = texts.Wall(self._clock.now(), self._zone)
        question = Question(
            id=offer.question_id,
            plan_hash="\n".join(each.line() for each in offer.asked),
            person=asked.person.id,
            chat=place.chat,
            expires=expires,
            choices=(RUN_IT if len(offer.asked) == 1 else RUN_THEM, NO),
        )
        await self._desk.put(question, place.thread, texts.offer(offer.asked, wall))

    async def _note(self, last: _Offer | None, offer: _Offer, expires: datetime) -> None:
        """Write down what is offered, for when nobody answers."""
        replaced = set(last.asked) - set(offer.asked) if last and offer.edition else ()
        for each in replaced:
            await self._requests.answered(each)
        for each in offer.asked:
            await self._requests.offer(each, expires)

    async def _continued(self, last: _Offer | None, asked: Asked) -> _Offer:
        now = self._clock.now()
        if last and now - last.put < _BURST and await self._desk.is_open(last.question_id):
            return last.with_one_more(asked)
        return _Offer(f"{_KIND}{asked.place.chat}m{asked.place.message_id}", (asked,), now)

    async def happen(self, question: Question, choice: str, press: Press) -> None:
        """Run what was accepted, each once, or write down that it was not."""
        for asked in _offered(question, press):
            await self._requests.answered(asked)
            await (self._requests.decline(asked) if choice == NO else self._requests.run(asked))

    async def extent(self, question: Question, choice: str, press: Press) -> Extent:
        """How many of the accepted commands an earlier process has dealt with."""
        accepted = [] if choice == NO else _offered(question, press)
        dealt_with = [await self._is_dealt_with(asked.request) for asked in accepted]
        if all(dealt_with):
            return Extent.ALL
        return Extent.PART if any(dealt_with) else Extent.NOTHING


def _offered(question: Question, press: Press) -> list[Asked]:
    """As requests of their own, since what was offered may have run once before."""
    lines = question.plan_hash.split("\n")
    return [Asked.from_line(line, press.person, question.id) for line in lines]
