"""What a person is shown before an update, and what refuses it."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.errors import RefusedError, UnfitError
from bot.domain.findings import Finding, Level
from bot.domain.preflight import MEMORY
from bot.domain.preflight_layout import mended_by_compose
from bot.domain.update import UNTOUCHED
from bot.domain.update_holds import HoldKind
from bot.domain.update_outlook import HopOutlook, Outlook
from bot.domain.updated import Prediction

_FIGURE = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, kw_only=True)
class UpdatePreview:
    """*diff* is what the compose files would become, "" for no change.

    *warnings* are the preflight's, *not_checked* the checks of the gate that did not hold before.
    *away* is for how long nobody will be served.
    """

    place: str
    current: str
    target: str
    hops: tuple[HopOutlook, ...]
    warnings: tuple[Finding, ...]
    rehearse: bool
    away: Prediction
    diff: str = ""
    not_checked: tuple[str, ...] = ()

    @property
    def wants_compose(self) -> bool:
        """Whether the way wants the compose files changed, which this plan does not do."""
        return any(map(mended_by_compose, self.warnings))

    @property
    def unrehearsed(self) -> "UpdatePreview":
        """The same without a rehearsal, and without the warnings that are about one alone."""
        warnings = tuple(each for each in self.warnings if each.subject != MEMORY)
        return replace(self, rehearse=False, warnings=warnings)

    @property
    def plan_hash(self) -> str:
        """The same for the same way over the same images, with the same warnings.

        A person's word is bound to it. The figures in a warning change by themselves, so that
        another one is no other warning.
        """
        way = [(str(each.version), each.digest) for each in self.hops]
        warned = {(each.subject, _FIGURE.sub("0", each.message)) for each in self.warnings}
        facts = [self.place, self.current, way, self.diff, self.rehearse, sorted(warned)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def require_fit(outlook: Outlook, findings: Sequence[Finding], *, named: bool) -> None:
    """Refuse an update for which the stack is not fit, or that is held back.

    *named*: a person has asked for that very version, which is a word against its age.

    Raises:
        RefusedError: with all that stands in the way, and what to do about the first of it;
            UnfitError where that is the stack itself.
    """
    for hold in outlook.holds:
        counts = hold.kind is HoldKind.UNSETTLED or not named
        if counts:
            raise RefusedError(f"{hold.words}. {UNTOUCHED}", hint=hold.remedy)
    blocks = [each for each in findings if each.level is Level.FAILURE]
    if blocks:
        what = "; ".join(f"{each.subject}: {each.message}" for each in blocks)
        raise UnfitError(
            f"the stack is not fit for {outlook.target}: {what}. {UNTOUCHED}",
            hint=blocks[0].remedy,
            by_compose=all(map(mended_by_compose, blocks)),
        )
