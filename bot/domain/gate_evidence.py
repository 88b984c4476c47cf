"""What has been seen of a version at the gate, as the proofs need it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.domain.gate_signs import Sign, SignKind
from bot.domain.update_gate import Judgement, Sample, Verdict, Wanted

_SHOWN = 5


def roll_back(reason: str, signs: Sequence[Sign] = ()) -> Judgement:
    """A judgement with the last of *signs* as its proof; the last cause among them is its cause."""
    lines = dict.fromkeys(f"{each.service}: {each.text}" for each in signs)
    of_the_host = is_of_the_host(signs)
    return Judgement(Verdict.ROLL_BACK, reason, tuple(lines)[-_SHOWN:], of_the_host)


def is_of_the_host(signs: Sequence[Sign]) -> bool:
    """Whether the last cause among *signs* is none of the version; without one nobody knows."""
    found = _causes(signs)
    return bool(found) and found[-1].of_the_host


def unless_without_database(judgement: Judgement, samples: Sequence[Sample]) -> Judgement:
    """*judgement*, not of the version where PostgreSQL is away and no log has another cause."""
    own = [each for each in _causes(signs_of(samples)) if not each.of_the_host]
    if samples[-1].database or own:
        return judgement
    reason = f"{judgement.reason}; PostgreSQL does not answer"
    return replace(judgement, reason=reason, of_the_host=True)


def _causes(signs: Sequence[Sign]) -> list[Sign]:
    return [each for each in signs if each.kind is not SignKind.RESTARTING]


def signs_of(samples: Sequence[Sample], *services: str) -> list[Sign]:
    """All that the logs of *services* have shown, or of all containers."""
    return [
        sign for each in samples for sign in each.signs if not services or sign.service in services
    ]


def cause_in(samples: Sequence[Sample], *services: str) -> str:
    """The last traceback's last line, "" where there is none."""
    found = _causes(signs_of(samples, *services))
    return found[-1].text if found else ""


def lasts(samples: Sequence[Sample], condition: Callable[[Sample], bool]) -> float:
    """For how many seconds *condition* has been true at every look until now; 0 for one look."""
    since = samples[-1].at
    for each in reversed(samples):
        if not condition(each):
            break
        since = each.at
    return samples[-1].at - since


def named(wanted: Wanted) -> str:
    """The version, as it stands in a sentence."""
    return wanted.version or "this version"
