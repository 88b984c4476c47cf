"""What an update would be: the way, what each hop asks, and what holds it back."""

from dataclasses import dataclass

from bot.domain.hop_demands import Demand
from bot.domain.update_holds import BadVersion, Hold
from bot.domain.upgrade_path import Hop
from bot.domain.versions import Version


@dataclass(frozen=True, kw_only=True)
class HopOutlook:
    """One hop, with the image that it leads to.

    *size* are the bytes that a pull loads at most. *security* None: nobody said why that release
    was made.
    """

    hop: Hop
    digest: str
    size: int
    security: bool | None

    @property
    def version(self) -> Version:
        return self.hop.end

    @property
    def demands(self) -> tuple[Demand, ...]:
        return self.hop.demands


@dataclass(frozen=True, kw_only=True)
class Target:
    """A version to update to, in how many steps; *held* says why it should wait, "" for nothing."""

    version: Version
    steps: int = 0
    security: bool = False
    held: str = ""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """All that `akbot update --check` and `--why` tell.

    *newer_patch* is the newest of the target's family where that is another one. *passed_over* are
    newer versions that failed here, for which *target* was chosen instead. *doubts* is what could
    not be found out, a sentence each.
    """

    place: str
    current: Version
    target: Version
    hops: tuple[HopOutlook, ...]
    holds: tuple[Hold, ...]
    newer_patch: Version | None = None
    passed_over: tuple[BadVersion, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def up_to_date(self) -> bool:
        return not self.hops

    @property
    def as_target(self) -> Target:
        """What somebody needs to know of it to choose it."""
        return Target(
            version=self.target,
            steps=len(self.hops),
            security=any(each.security for each in self.hops),
            held="; ".join(each.words for each in self.holds),
        )
