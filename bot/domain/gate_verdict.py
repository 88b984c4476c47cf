"""Judge a version at the gate from all that was seen of it."""

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.gate_containers import endings
from bot.domain.gate_evidence import lasts, roll_back, signs_of, unless_without_database
from bot.domain.gate_faults import faults_inside, faults_outside
from bot.domain.gate_proof import hopeless
from bot.domain.plural import count_of
from bot.domain.update_gate import Judgement, Patience, Sample, Verdict, Wanted


def with_look(samples: Sequence[Sample], look: Sample) -> list[Sample]:
    """*samples* and one more; of looks that show the same only the first and the last stay.

    So that hours of waiting are judged as quickly as a minute.
    """
    kept = list(samples)
    if len(kept) > 1 and _same(kept[-2], look) and _same(kept[-1], look):
        kept.pop()
    return [*kept, look]


def _same(one: Sample, other: Sample) -> bool:
    events = one.signs or other.signs or one.answers.login or other.answers.login
    return not events and replace(one, at=other.at) == other


def judge(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement:
    """What to do after these looks, of which the last is now."""
    if not samples:
        return Judgement(Verdict.WAIT, "nothing was seen yet")
    looks = _with_last_login(samples)
    if proof := hopeless(samples, wanted, patience):
        return proof
    if (still := _stands_still(looks)) >= patience.still:
        return roll_back(
            f"the migration of {wanted.version or 'this version'} hangs: it holds Authentik's lock"
            f" and has not moved for {still:.0f} s; something else may keep a table locked",
            signs_of(looks),
        )
    inside = faults_inside(looks[-1], wanted)
    if not inside:
        return _of_one_that_holds(looks, wanted, patience)
    missing = "; ".join(inside)
    if looks[-1].at > _deadline(looks, patience):
        return _too_late(looks, "; ".join((*inside, *endings(looks, wanted))), patience)
    migration = looks[-1].migration
    told = f"it migrates, {count_of(migration.rows, 'migration')} so far; " if migration else ""
    return Judgement(Verdict.WAIT, f"{told}{missing}")


def _too_late(looks: Sequence[Sample], faults: str, patience: Patience) -> Judgement:
    """There is no more time, and these *faults*; they are not its own where nobody can be asked."""
    late = roll_back(f"after {patience.timeout:g} s still: {faults}", signs_of(looks))
    if not looks[-1].seen:
        return replace(late, of_the_host=True)
    return unless_without_database(late, looks)


def _of_one_that_holds(looks: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement:
    """All is well inside at this moment."""
    now = looks[-1].at
    inside = now - _held_since(looks, wanted)
    outside = faults_outside(looks[-1], wanted)
    if inside < patience.stable:
        return Judgement(Verdict.WAIT, f"it holds, for {inside:.0f} of {patience.stable:g} s")
    if not outside:
        return _of_one_seen_from_outside(looks, wanted, patience)
    dark = lasts(looks, lambda each: bool(faults_outside(each, wanted)))
    if dark < min(patience.lasting, patience.stable) and now <= _deadline(looks, patience):
        return Judgement(Verdict.WAIT, outside[0])
    return Judgement(
        Verdict.ASK,
        f"all holds inside, only {outside[0]}: look whether people can log in there",
    )


def _of_one_seen_from_outside(
    looks: Sequence[Sample], wanted: Wanted, patience: Patience
) -> Judgement:
    """It holds for long enough, and its public URL answers now; so it must have all the while."""
    outside = lasts(looks, lambda each: not faults_outside(each, wanted))
    if outside >= patience.stable:
        unchecked = ", ".join(wanted.baseline.unchecked)
        told = f"; not checked, since it did not work before: {unchecked}" if unchecked else ""
        return Judgement(Verdict.PROMOTE, f"it has held for {patience.stable:g} s{told}")
    if looks[-1].at > _deadline(looks, patience):
        return Judgement(
            Verdict.ASK, f"all holds inside, but {wanted.baseline.public_url} fails now and then"
        )
    return Judgement(Verdict.WAIT, f"{wanted.baseline.public_url} answers since {outside:.0f} s")


def _held_since(looks: Sequence[Sample], wanted: Wanted) -> float:
    since = looks[-1].at
    for place in range(len(looks) - 1, -1, -1):
        if faults_inside(looks[place], wanted):
            break
        since = looks[place].at
        if _restarted(looks, place):
            break
    return since


def _restarted(looks: Sequence[Sample], place: int) -> bool:
    """Whether a container is another one, or another run of it, than when last seen."""
    if not looks[place].seen:
        return False
    before = next((looks[each] for each in range(place - 1, -1, -1) if looks[each].seen), None)
    return before is not None and _runs(looks[place]) != _runs(before)


def _runs(sample: Sample) -> list[tuple[str, str]]:
    return sorted((each.id, each.started) for each in sample.containers)


def _with_last_login(samples: Sequence[Sample]) -> list[Sample]:
    """A login is tried now and then; its result stands until the next, or until a restart."""
    told: list[Sample] = []
    login: str | None = None
    for place, sample in enumerate(samples):
        if _restarted(samples, place):
            login = None
        login = sample.answers.login or login
        told.append(replace(sample, answers=replace(sample.answers, login=login)))
    return told


def _moves(looks: Sequence[Sample], place: int) -> bool:
    """Whether somebody migrates at this look, and has done something since the look before."""
    migration = looks[place].migration
    before = looks[place - 1].migration if place else None
    return migration is not None and (migration.active or migration != before)


def _stands_still(looks: Sequence[Sample]) -> float:
    """For how many seconds somebody has held the lock and done nothing."""
    if looks[-1].migration is None:
        return 0
    since = looks[-1].at
    for place in range(len(looks) - 1, -1, -1):
        since = looks[place].at
        if looks[place].migration is None or _moves(looks, place):
            break
    return looks[-1].at - since


def _deadline(looks: Sequence[Sample], patience: Patience) -> float:
    """Until when faults are borne: longer where a migration still moved late."""
    moved = [looks[place].at for place in range(len(looks)) if _moves(looks, place)]
    if not moved:
        return patience.timeout
    return max(patience.timeout, moved[-1] + patience.still + patience.stable)
