"""What has been seen of a version at the gate, as the proofs need it."""

from collections.abc import Callable, Sequence

from bot.domain.gate_signs import Sign, SignKind
from bot.domain.update_gate import Judgement, Sample, Verdict, Wanted

_SHOWN = 5


def roll_back(reason: str, signs: Sequence[Sign] = ()) -> Judgement:
    """A judgement with the last of *signs* as its proof."""
    lines = dict.fromkeys(f"{each.service}: {each.text}" for each in signs)
    return Judgement(Verdict.ROLL_BACK, reason, tuple(lines)[-_SHOWN:])


def signs_of(samples: Sequence[Sample], *services: str) -> list[Sign]:
    """All that the logs of *services* have shown, or of all containers."""
    return [
        sign for each in samples for sign in each.signs if not services or sign.service in services
    ]


def cause_in(samples: Sequence[Sample], *services: str) -> str:
    """The last traceback's last line, "" where there is none."""
    found = [each for each in signs_of(samples, *services) if each.kind is not SignKind.RESTARTING]
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
