"""Commands that came while nobody listened: offered again, not run.

The plan of an offer is the commands themselves, so they stand in full where the hash of a plan
would: after a restart the button still knows what it means.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo

from bot.entrypoints.telegram import texts
from bot.entrypoints.telegram.ages import STALE
from bot.entrypoints.telegram.asked import Asked
from bot.entrypoints.telegram.pressed import Press
from bot.entrypoints.telegram.questions import QuestionDesk
from bot.services.journal_ports import Question
from bot.services.ports import Clock

STANDS = timedelta(hours=1)
_BURST = timedelta(minutes=1)
_KIND = "o"
NO = "No"


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
    """Asks before it runs what is older than two minutes."""

    def __init__(
        self,
        desk: QuestionDesk,
        clock: Clock,
        zone: tzinfo,
        run: Callable[[Asked], Awaitable[None]],
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._zone = zone
        self._run = run
        self._last: dict[tuple[int, int | None, int], _Offer] = {}
        desk.on_answer(_KIND, self._decided)

    def is_stale(self, asked: Asked) -> bool:
        """Whether it was asked for so long ago that the person may have moved on."""
        return self._clock.now() - asked.sent > STALE

    async def offer(self, asked: Asked) -> None:
        """Offer the command again, together with those that just came from the same person."""
        place = asked.place
        who = (place.chat, place.thread, asked.person.id)
        offer = await self._continued(who, asked)
        if not offer.edition and await self._desk.is_put(offer.question_id):
            return  # before a kill, which kept it from being marked as handled
        self._last[who] = offer
        wall = texts.Wall(self._clock.now(), self._zone)
        question = Question(
            id=offer.question_id,
            plan_hash="\n".join(each.line() for each in offer.asked),
            person=asked.person.id,
            chat=place.chat,
            expires=self._clock.now() + STANDS,
            choices=("Run it" if len(offer.asked) == 1 else "Run them", NO),
        )
        await self._desk.put(question, place.thread, texts.offer(offer.asked, wall))

    async def _continued(self, who: tuple[int, int | None, int], asked: Asked) -> _Offer:
        now = self._clock.now()
        last = self._last.get(who)
        if last and now - last.put < _BURST and await self._desk.is_open(last.question_id):
            return last.with_one_more(asked)
        return _Offer(f"{_KIND}{asked.place.chat}m{asked.place.message_id}", (asked,), now)

    async def _decided(self, question: Question, choice: str, press: Press) -> None:
        if choice == NO:
            return
        for line in question.plan_hash.split("\n"):
            await self._run(Asked.from_line(line, press.person))
