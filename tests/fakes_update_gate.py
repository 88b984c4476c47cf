"""A stack at the gate: what is seen of it is a script, look by look."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.gate_signs import Sign, SignKind
from bot.domain.update_gate import (
    Answers,
    Baseline,
    ContainerSeen,
    Sample,
    Wanted,
)

NEW = "2025.10.4"
GOOD_ANSWERS = Answers(login_page=200, root_config=200)
BASELINE = Baseline(login_page=200, root_config=200)


def seen_container(service: str, **changes: Any) -> ContainerSeen:
    """A container that does what it should."""
    well: dict[str, Any] = {
        "id": f"{service}-1",
        "running": True,
        "started": "1",
        "health": "healthy",
        "version": NEW,
        "image_id": "sha256:new",
    }
    return ContainerSeen(service=service, **{**well, **changes})


def started_again(seen: ContainerSeen, exit_code: int) -> ContainerSeen:
    """*seen* after an end that no look fell on: Docker has started it once more."""
    run = str(int(seen.started) + 1)
    return replace(seen, started=run, restarts=seen.restarts + 1, exit_code=exit_code)


def good_sample(at: float = 0, **changes: Any) -> Sample:
    """A look at which all is well."""
    well: dict[str, Any] = {
        "containers": (seen_container("server"), seen_container("worker")),
        "ready": 200,
        "answers": GOOD_ANSWERS,
        "workers": (NEW,),
    }
    return Sample(at=at, **{**well, **changes})


def wanted_version(version: str | None = NEW, **changes: Any) -> Wanted:
    """Server and worker, of one version and image."""
    return Wanted(
        **{
            "server": "server",
            "worker": "worker",
            "version": version,
            "image_ids": {"server": "sha256:new", "worker": "sha256:new"},
            "baseline": BASELINE,
            **changes,
        }
    )


def answers(**changes: Any) -> Answers:
    """Good answers, but for *changes*."""
    return replace(GOOD_ANSWERS, **changes)


def sign(kind: SignKind, text: str = "", service: str = "server", **changes: Any) -> Sign:
    """A line of a log."""
    return Sign(kind, service, text or kind, **changes)


@dataclass
class FakeGateProbe:
    """A GateProbe: each look is the next of `looks`, the last one for ever after."""

    looks: Sequence[Sample] = field(default_factory=lambda: [good_sample()])
    before: Baseline = BASELINE
    asked: int = 0

    async def baseline(self) -> Baseline:
        return self.before

    async def sample(self, at: float) -> Sample:
        look = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        return replace(look, at=at)
