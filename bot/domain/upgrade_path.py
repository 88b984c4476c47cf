"""The way from one version to another: which versions lie between, by Authentik's own rules.

One family at a time: the newest patch of the family that runs, the newest patch of each family
between, then the target; patches within a family need no stop (facts §4). Up to 2026.5 the line of
families is known. From 2026.8 on an image says itself which family it takes a database from; until
it is here to be asked, the family before it in the registry is presumed.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from bot.domain.errors import RefusedError
from bot.domain.hop_demands import Demand, demands_into
from bot.domain.versions import Family, Version

# facts, "Release line": there is no 2026.10, and more families may follow the last
LINE = (
    *(Family(2024, 12), Family(2025, 2), Family(2025, 4), Family(2025, 6), Family(2025, 8)),
    *(Family(2025, 10), Family(2025, 12), Family(2026, 2), Family(2026, 5), Family(2026, 8)),
)
FIRST_TO_SAY = Family(2026, 8)
"""The first family whose images say which family they take a database from (facts §2, §4)."""


@dataclass(frozen=True)
class Hop:
    """One step of the way; *presumed* where no image has said yet that it may be taken."""

    start: Version
    end: Version
    presumed: bool = False

    @property
    def changes_family(self) -> bool:
        return self.start.family != self.end.family

    @property
    def demands(self) -> tuple[Demand, ...]:
        """What it asks of whoever runs the stack."""
        return demands_into(self.end.family) if self.changes_family else ()


@dataclass(frozen=True)
class Offer:
    """What there is to choose from.

    *said* is the family before, as images have said it themselves; *bad* are versions that failed
    here, which are no stop on the way where the family has another.
    """

    versions: Collection[Version]
    said: Mapping[Version, Family] = field(default_factory=dict)
    bad: Collection[Version] = ()


def newest(offer: Offer, current: Version) -> Version:
    """The newest version that is offered and not known as bad; *current* where none is newer."""
    return max({each for each in offer.versions if each not in offer.bad} | {current})


def sensible_targets(offer: Offer, current: Version) -> tuple[Version, ...]:
    """What somebody may want that is newer than *current*, the nearest first.

    It is the newest patch of the family that runs, that of the next one, and the newest of all;
    none that failed here.
    """
    newer = [each for each in offer.versions if each > current and each not in offer.bad]
    families = sorted({each.family for each in newer})
    nearest = [each for each in families if each == current.family]
    following = [each for each in families if each > current.family][:1]
    patches = {family: max(each for each in newer if each.family == family) for family in families}
    wanted = [patches[family] for family in [*nearest, *following, *families[-1:]]]
    return tuple(dict.fromkeys(wanted))


def newer_patch(offer: Offer, target: Version) -> Version | None:
    """The newest patch of *target*'s family that did not fail here, None where that is *target*."""
    family = [each for each in offer.versions if each.family == target.family]
    found = max((each for each in family if each not in offer.bad), default=target)
    return found if found > target else None


def plan_path(current: Version, target: Version, offer: Offer) -> tuple[Hop, ...]:
    """Every hop from *current* to *target*, in order; none where that runs already.

    Raises:
        RefusedError: the target is older, is not in the registry, or cannot be reached without a
            jump that Authentik forbids.
    """
    if target < current:
        raise RefusedError(
            f"{target} is older than {current}, which runs: Authentik cannot go back by an image",
            hint='To go back, restore a backup of that version: "akbot restore".',
        )
    if target == current:
        return ()
    if target not in offer.versions:
        raise RefusedError(
            f"the registry has no version {target}",
            hint='"akbot update --check" shows what it has.',
        )
    stops = [*_way_back(current, target, offer)][::-1]
    starts = [current, *stops]
    return tuple(
        Hop(start, end, presumed=_is_presumed(start, end, offer))
        for start, end in zip(starts, stops, strict=False)
    )


def _is_presumed(start: Version, end: Version, offer: Offer) -> bool:
    changes = start.family != end.family
    return changes and end.family >= FIRST_TO_SAY and end not in offer.said


def _way_back(current: Version, target: Version, offer: Offer) -> list[Version]:
    """The stops from *target* back to, and without, *current*."""
    stops = [target]
    while stops[-1].family != current.family:
        before = family_before(stops[-1], offer)
        if before is None or before < current.family:
            raise _skips(current, stops[-1], before)
        stop = _newest_of(before, current, offer)
        if stop is None:
            raise RefusedError(
                f"from {current} to {target} the way leads through {before}, and the registry has"
                " no version of it that did not fail here",
                hint="Authentik forbids to skip a family. Look at AKBOT_REGISTRY_ENDPOINT, if it"
                " is set: a mirror may lack it.",
            )
        if stop == current:
            break
        stops.append(stop)
    return stops


def _skips(current: Version, stop: Version, before: Family | None) -> RefusedError:
    if before is None:
        known = f"akbot knows no family before {stop.family}"
    else:
        known = f"{stop} takes only a database of {before} or its own family"
    return RefusedError(
        f"there is no way from {current} to {stop}: {known}",
        hint="Authentik forbids to skip a family.",
    )


def _newest_of(family: Family, current: Version, offer: Offer) -> Version | None:
    """The newest patch of *family* that did not fail here; never one before *current*."""
    fit = {each for each in offer.versions if each.family == family and each not in offer.bad}
    if family == current.family:
        fit = {each for each in fit if each > current} | {current}
    return max(fit, default=None)


def family_before(version: Version, offer: Offer) -> Family | None:
    """The family whose database *version* takes besides its own; None where nobody knows."""
    family = version.family
    if family < FIRST_TO_SAY:
        return LINE[LINE.index(family) - 1] if family in LINE[1:] else None
    if version in offer.said:
        return offer.said[version]
    families = {each.family for each in offer.versions if each.family >= FIRST_TO_SAY}
    return max((each for each in {*LINE, *families} if each < family), default=None)
