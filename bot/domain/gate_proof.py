"""Proof that a version at the gate cannot come good, so that nobody waits for the timeout.

One flap is no proof: what may pass by itself must come again, or last.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from bot.domain.gate_faults import changed_pages, has_other_image, is_ready, quoted, writes_rows
from bot.domain.gate_signs import Sign, SignKind
from bot.domain.update_gate import (
    LOGGED_IN,
    Judgement,
    Patience,
    Sample,
    Verdict,
    Wanted,
    held,
)

_SHOWN = 5
_NEVER = "0001-"  # Docker's date for what did not happen
_LOOPS = 3  # Docker's restarts of one container that are a loop
_DIED_AGAIN = 2  # those of one that had been ready
_FAILED_STARTS = 3  # lines; the server writes one or two for each start that fails
_FAILED_STARTS_ALONE = 6  # without a cause in the log
_STARTS_LAST = 30.0
_SICK = 60.0  # Docker's check comes every 30 s
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
    judged = (proof(samples, wanted, patience) for proof in _PROOFS)
    return next((each for each in judged if each is not None), None)


def roll_back(reason: str, signs: Sequence[Sign] = ()) -> Judgement:
    """A judgement with the last of *signs* as its proof."""
    lines = dict.fromkeys(f"{each.service}: {each.text}" for each in signs)
    return Judgement(Verdict.ROLL_BACK, reason, tuple(lines)[-_SHOWN:])


def signs_of(samples: Sequence[Sample], *services: str) -> list[Sign]:
    """All that the logs of *services* have shown, or of all containers."""
    return [
        sign for each in samples for sign in each.signs if not services or sign.service in services
    ]


def _refused(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """It says itself why it will never start here."""
    found = [each for each in signs_of(samples) if each.kind in _TOLD]
    if not found:
        return None
    return roll_back(f"{_named(wanted)} cannot start: {_TOLD[found[0].kind]}", found)


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
        f"a migration of {_named(wanted)} fails: {again}",
        [each for each in found if each.text == again],
    )


def _crash_loop(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    for service in (*wanted.services, *wanted.others):
        for container, counts in _restarts(samples, service).items():
            grown = max(counts) - min(counts)
            was_ready = any(is_ready(each) for each in _before_last(samples, container, counts))
            if (grown and max(counts) >= _LOOPS) or (grown >= _DIED_AGAIN and was_ready):
                code = _exit_code(samples, container)
                ends = f"with exit code {code} " if code is not None else ""
                cause = _cause(samples, service)
                return roll_back(
                    f"{quoted(service)} ends {ends}again and again, {max(counts)} times so far"
                    f"{f': {cause}' if cause else ''}",
                    signs_of(samples, service),
                )
    return None


def _restarts(samples: Sequence[Sample], service: str) -> dict[str, list[int]]:
    """Docker's count for each container of a service, look by look."""
    found: dict[str, list[int]] = {}
    for sample in samples:
        for each in sample.containers:
            if each.service == service:
                found.setdefault(each.id, []).append(each.restarts)
    return found


def _before_last(
    samples: Sequence[Sample], container: str, counts: Sequence[int]
) -> Iterator[Sample]:
    """The looks before the container's last restart."""
    for sample in samples:
        for each in sample.containers:
            if each.id == container and each.restarts < max(counts):
                yield sample


def _exit_code(samples: Sequence[Sample], container: str) -> int | None:
    codes = [
        each.exit_code
        for sample in samples
        for each in sample.containers
        if each.id == container and each.exit_code is not None
    ]
    return codes[-1] if codes else None


def _cause(samples: Sequence[Sample], *services: str) -> str:
    """The last traceback's last line, "" where there is none."""
    found = [each for each in signs_of(samples, *services) if each.kind is not SignKind.RESTARTING]
    return found[-1].text if found else ""


def _has_ended(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
    """It does not run, and nobody starts it."""
    for each in samples[-1].containers:
        if each.service not in (*wanted.services, *wanted.others) or each.running:
            continue
        ended, started = each.id, each.started

        def is_over(sample: Sample, ended: str = ended, started: str = started) -> bool:
            return any(
                (seen.id, seen.started, seen.running) == (ended, started, False)
                for seen in sample.containers
            )

        if lasts(samples, is_over) >= patience.lasting:
            cause = _cause(samples, each.service)
            ended_how = (
                "was never started"
                if each.started.startswith(_NEVER)
                else f"has ended with exit code {each.exit_code} and is not started again"
            )
            return roll_back(
                f"{quoted(each.service)} {ended_how}{f': {cause}' if cause else ''}",
                signs_of(samples, each.service),
            )
    return None


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
        return roll_back(
            f"{quoted(wanted.server)} does not come up: gunicorn ends as often as it is started",
            [each for _, each in failed],
        )
    return None


def _after_ready(samples: Sequence[Sample]) -> Sequence[Sample]:
    ready = [place for place, each in enumerate(samples) if is_ready(each)]
    return samples[ready[-1] + 1 :] if ready else samples


def _is_another(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
    """What was started is not what was wanted."""
    for each in samples[-1].containers:
        if each.service not in wanted.services:
            continue
        of_image = has_other_image(each, wanted)
        of_version = wanted.version is not None and each.version not in {None, wanted.version}
        if not each.running or not (of_image or of_version):
            continue
        container, version = each.id, each.version

        def is_it(
            sample: Sample, container: str = container, version: str | None = version
        ) -> bool:
            return any(
                (seen.id, seen.version) == (container, version) for seen in sample.containers
            )

        if lasts(samples, is_it) < patience.lasting / 3:
            continue
        if of_version:
            return roll_back(
                f"{quoted(each.service)} runs, and is version {each.version} instead of"
                f" {wanted.version}: the image is not what its tag says"
            )
        return roll_back(
            f"{quoted(each.service)} was created from another image than the one that was pulled"
        )
    return None


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
    return roll_back(
        f"the server says that it is ready, and yet {'; '.join(changed_pages(samples[-1], wanted))}"
        f" (for {seconds:.0f} s): people could not log in",
        signs_of(samples, wanted.server),
    )


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
    return roll_back(
        f"the test login, which worked before, ended in {last}: people could not log in",
        signs_of(samples, wanted.server),
    )


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
        f"{_named(wanted)} does not fit the database: {shown[-1][1].text}",
        [each for _, each in shown],
    )


def _sick_worker(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """Docker's own check fails for good; it counts where the worker is judged by it."""
    if wanted.worker is None or writes_rows(wanted.version):
        return None

    def is_sick(sample: Sample) -> bool:
        found = [each for each in sample.containers if each.service == wanted.worker]
        return any(each.running and each.health == "unhealthy" for each in found)

    if lasts(samples, is_sick) < _SICK:
        return None
    return roll_back(
        f"{quoted(wanted.worker)} runs, but its own health check fails: no task is worked on",
        signs_of(samples, wanted.worker),
    )


def lasts(samples: Sequence[Sample], condition: Callable[[Sample], bool]) -> float:
    """For how many seconds *condition* has been true at every look until now; 0 for one look."""
    since = samples[-1].at
    for each in reversed(samples):
        if not condition(each):
            break
        since = each.at
    return samples[-1].at - since


def _named(wanted: Wanted) -> str:
    return wanted.version or "this version"


_PROOFS: tuple[Proof, ...] = (
    *(_refused, _migration_fails, _is_another, _never_starts, _crash_loop, _has_ended),
    *(_login_fails, _page_broken, _does_not_fit, _sick_worker),
)
