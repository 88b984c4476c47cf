"""Proof that a version at the gate cannot come good, so that nobody waits for the timeout.

One flap is no proof: what may pass by itself must come again, or last.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bot.domain.gate_containers import crash_loop, has_ended, is_another, sick_worker
from bot.domain.gate_evidence import (
    is_of_the_host,
    lasts,
    named,
    roll_back,
    signs_of,
    unless_without_database,
)
from bot.domain.gate_faults import changed_pages, has_beaten, is_ready, quoted
from bot.domain.gate_signs import SignKind
from bot.domain.update_gate import LOGGED_IN, Judgement, Patience, Sample, Wanted, held

_FAILED_STARTS = 3  # lines; the server writes one or two for each start that fails
_FAILED_STARTS_ALONE = 6  # without a cause in the log
_STARTS_LAST = 30.0
_SAME_ERRORS = 4
_BROKEN = range(500, 600)
_TOLD: Mapping[SignKind, str] = {
    SignKind.HISTORY: "its migrations do not fit the history of this database: take another patch"
    " of this family, and look for the error in Authentik's issues",
    SignKind.GROUPS: "there are groups of the same name, which this version does not take:"
    " rename them first",
    SignKind.SKIP: "this version does not take a database of this family: update one family at a"
    " time",
}

Proof = Callable[[Sequence[Sample], Wanted, Patience], Judgement | None]


def hopeless(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
    """The first proof that is found, the most telling first; None where all may come good."""
    for proof in _PROOFS:
        if found := proof(samples, wanted, patience):
            is_seen = proof is is_another  # in the containers alone
            return found if is_seen else unless_without_database(found, samples)
    return None


def _refused(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """It says itself why it will never start here."""
    found = [each for each in signs_of(samples) if each.kind in _TOLD]
    if not found:
        return None
    return roll_back(f"{named(wanted)} cannot start: {_TOLD[found[0].kind]}", found)


def _migration_fails(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """The same migration error again, from the next try or from the other container."""
    found = [
        each for each in signs_of(samples) if each.kind is SignKind.MIGRATION and not each.passing
    ]
    texts = [each.text for each in found]
    again = next((text for text in texts if texts.count(text) > 1), None)
    if again is None:
        return None
    return roll_back(
        f"a migration of {named(wanted)} fails: {again}",
        [each for each in found if each.text == again],
    )


def _never_starts(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """The server's container stays while what is in it is started again and again (facts §5.3)."""
    since = _after_ready(samples)
    failed = [
        (sample.at, sign)
        for sample in since
        for sign in sample.signs
        if (sign.kind, sign.service) == (SignKind.RESTARTING, wanted.server)
    ]
    causes = [
        each
        for each in signs_of(since, wanted.server)
        if each.kind is not SignKind.RESTARTING and not each.passing
    ]
    if causes and len(failed) >= _FAILED_STARTS:
        return roll_back(
            f"{quoted(wanted.server)} does not come up: {causes[-1].text}",
            [*causes, failed[-1][1]],
        )
    if len(failed) >= _FAILED_STARTS_ALONE and failed[-1][0] - failed[0][0] >= _STARTS_LAST:
        ends = roll_back(
            f"{quoted(wanted.server)} does not come up: gunicorn ends as often as it is started",
            [each for _, each in failed],
        )
        return replace(ends, of_the_host=is_of_the_host(signs_of(since, wanted.server)))
    return None


def _crashes_inside(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """It never came up, and dies of the same error again and again, whoever starts it anew."""
    if samples[-1].migration:
        return None
    for service in wanted.services:
        is_server = service == wanted.server
        if any(is_ready(each) if is_server else has_beaten(each, wanted) for each in samples):
            continue
        shown = [
            (sample.at, sign)
            for sample in samples
            for sign in sample.signs
            if (sign.kind, sign.service) == (SignKind.TRACEBACK, service) and not sign.passing
        ]
        same = [(at, sign) for at, sign in shown if sign.text == shown[-1][1].text]
        if len(same) >= _SAME_ERRORS and same[-1][0] - same[0][0] >= _STARTS_LAST:
            return roll_back(
                f"{quoted(service)} does not come up, it fails again and again: {same[-1][1].text}",
                [each for _, each in same],
            )
    return None


def _after_ready(samples: Sequence[Sample]) -> Sequence[Sample]:
    ready = [place for place, each in enumerate(samples) if is_ready(each)]
    return samples[ready[-1] + 1 :] if ready else samples


def _page_broken(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
    """A page that worked answers 5xx though the server says that it is ready."""
    before = wanted.baseline

    def is_broken(sample: Sample) -> bool:
        now = sample.answers
        pages = ((before.login_page, now.login_page), (before.root_config, now.root_config))
        return is_ready(sample) and any(
            held(earlier) and later in _BROKEN for earlier, later in pages
        )

    seconds = lasts(samples, is_broken)
    if seconds < patience.lasting:
        return None
    broken = roll_back(
        f"the server says that it is ready, and yet {'; '.join(changed_pages(samples[-1], wanted))}"
        f" (for {seconds:.0f} s): people could not log in",
        signs_of(samples, wanted.server),
    )
    return _by_what_it_says_when_ready(broken, samples, wanted)


def _login_fails(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
    """Tried more than once, over a while, and never let in (facts §11, old code, newer schema)."""
    if wanted.baseline.login != LOGGED_IN:
        return None
    failed: list[float] = []
    for each in reversed(samples):
        if each.answers.login == LOGGED_IN:
            break
        if each.answers.login is not None:
            failed.append(each.at)
    if not failed or failed[0] - failed[-1] < patience.lasting:
        return None
    last = next(each.answers.login for each in reversed(samples) if each.answers.login is not None)
    refused = roll_back(
        f"the test login, which worked before, ended in {last}: people could not log in",
        signs_of(samples, wanted.server),
    )
    return _by_what_it_says_when_ready(refused, samples, wanted)


def _by_what_it_says_when_ready(
    told: Judgement, samples: Sequence[Sample], wanted: Wanted
) -> Judgement:
    """*told*, by no cause that was over before the server was ready."""
    ready = [each for each in samples if is_ready(each)]
    return replace(told, of_the_host=is_of_the_host(signs_of(ready, wanted.server)))


def _does_not_fit(
    samples: Sequence[Sample], wanted: Wanted, patience: Patience
) -> Judgement | None:
    """The code asks for what the database does not have, again and again."""
    shown = [
        (sample.at, sign)
        for sample in samples
        if is_ready(sample)
        for sign in sample.signs
        if sign.kind is SignKind.SCHEMA
    ]
    if not shown or shown[-1][0] - shown[0][0] < patience.lasting:
        return None
    return roll_back(
        f"{named(wanted)} does not fit the database: {shown[-1][1].text}",
        [each for _, each in shown],
    )


_PROOFS: tuple[Proof, ...] = (
    *(_refused, _migration_fails, is_another, _never_starts, crash_loop, has_ended),
    _crashes_inside,
    *(_login_fails, _page_broken, _does_not_fit, sick_worker),
)
