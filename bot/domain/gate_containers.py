"""Proof in the containers: they end again and again, stay away, are others, or are not well."""

from collections.abc import Iterator, Sequence

from bot.domain.gate_evidence import cause_in, lasts, roll_back, signs_of
from bot.domain.gate_faults import has_other_image, is_ready, quoted, writes_rows
from bot.domain.update_gate import Judgement, Patience, Sample, Wanted

_NEVER = "0001-"  # Docker's date for what did not happen
_LOOPS = 3  # Docker's restarts of one container that are a loop
_DIED_AGAIN = 2  # those of one that had been ready
_SICK = 60.0  # Docker's check comes every 30 s


def is_another(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
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


def crash_loop(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
    """Docker starts it again and again."""
    for service in (*wanted.services, *wanted.others):
        for container, counts in _restarts(samples, service).items():
            grown = max(counts) - min(counts)
            was_ready = any(is_ready(each) for each in _before_last(samples, container, counts))
            if (grown and max(counts) >= _LOOPS) or (grown >= _DIED_AGAIN and was_ready):
                code = _exit_code(samples, container)
                ends = f"with exit code {code} " if code is not None else ""
                cause = cause_in(samples, service)
                return roll_back(
                    f"{quoted(service)} ends {ends}again and again, {max(counts)} times so far"
                    f"{f': {cause}' if cause else ''}",
                    signs_of(samples, service),
                )
    return None


def endings(samples: Sequence[Sample], wanted: Wanted) -> list[str]:
    """What ended meanwhile and was started again, in sentences."""
    return [
        f"{quoted(service)} has ended {_times(max(counts) - min(counts))}{_with(code)}"
        for service in (*wanted.services, *wanted.others)
        for container, counts in _restarts(samples, service).items()
        if max(counts) > min(counts)
        for code in [_exit_code(samples, container)]
    ]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _with(exit_code: int | None) -> str:
    return f", with exit code {exit_code}" if exit_code is not None else ""


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


def has_ended(samples: Sequence[Sample], wanted: Wanted, patience: Patience) -> Judgement | None:
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
            cause = cause_in(samples, each.service)
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


def sick_worker(samples: Sequence[Sample], wanted: Wanted, _: Patience) -> Judgement | None:
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
