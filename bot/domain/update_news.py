"""What people are told of new versions without having asked, each once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.update_holds import Hold
from bot.domain.update_outlook import Outlook

SILENT_FOR = timedelta(days=3)
"""For how long nobody may have said which versions there are, before people hear of it."""


@dataclass(frozen=True, kw_only=True)
class NewRelease:
    """A version to tell of; *steps* lead to it, one of them a security release or not.

    *place* is the repository that offers it. *holds* is what holds it back, which only a security
    release has.
    """

    place: str
    current: str
    target: str
    steps: int
    notes: str
    security: bool
    holds: tuple[Hold, ...] = ()

    @property
    def words(self) -> str:
        """In a sentence."""
        what = ", a security release" if self.security else ""
        out = f"Authentik {self.target} is out{what}"
        if self.holds:
            held = "; ".join(each.words for each in self.holds)
            return f'{out}, but held back: {held}: "akbot update --why" tells what to do'
        return f'{out}: "akbot update" shows the way'


@dataclass(frozen=True)
class Silence:
    """No check was answered *since*; *told*: people have heard of that already."""

    since: datetime
    told: bool = False

    def is_news(self, now: datetime) -> bool:
        """Whether people should hear of it now."""
        return not self.told and now - self.since >= SILENT_FOR


@dataclass(frozen=True)
class NoAnswer:
    """Nobody has said *since* then which versions there are; *why* in a sentence."""

    since: datetime
    why: str

    @property
    def words(self) -> str:
        """In a sentence."""
        return f"whether there is a newer Authentik is not known since {self.since}: {self.why}"


News = NewRelease | NoAnswer


def news_of(outlook: Outlook, told: Mapping[str, bool]) -> NewRelease | None:
    """The version to tell of, None where there is none, something holds it back, or it was told.

    A security release is told whatever holds it back, since people can do something about that.
    *told* has the versions that people have heard of, and whether as a security release: one that
    turns out to be such is told once more.
    """
    security = any(each.security for each in outlook.hops)
    if outlook.up_to_date or (outlook.holds and not security):
        return None
    target = str(outlook.target)
    if target in told and (told[target] or not security):
        return None
    return NewRelease(
        place=outlook.place,
        current=str(outlook.current),
        target=target,
        steps=len(outlook.hops),
        notes=outlook.target.notes,
        security=security,
        holds=outlook.holds,
    )
