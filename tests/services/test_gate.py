"""How long what is started must hold, and how long it may take to."""

from dataclasses import dataclass, field

import pytest

from bot.domain.gate import Expected, Observation, Seen
from bot.services.gate import GateError, GatePatience, hold_gate
from tests.fakes_restore import QuickClock

EXPECTED = Expected(("server",), "2025.2.4", 200)
PATIENCE = GatePatience(stable=5, timeout=20)


def seen(status: int) -> Observation:
    return Observation((Seen("server", True, "1", "2025.2.4"),), status, status)  # noqa: FBT003


@dataclass
class Probe:
    """Looks that are not well by their number, from 0."""

    bad: frozenset[int] = frozenset()
    looks: list[Observation] = field(default_factory=list)

    async def look(self) -> Observation:
        self.looks.append(seen(502 if len(self.looks) in self.bad else 200))
        return self.looks[-1]


async def test_it_holds_once_all_was_well_for_the_stable_time_on_end() -> None:
    probe, clock = Probe(frozenset({0, 3})), QuickClock()

    since = await hold_gate(probe, EXPECTED, PATIENCE, clock)

    assert clock.passed - since >= PATIENCE.stable
    assert len(probe.looks) > 4 + PATIENCE.stable, "what was well before the last fault is no help"


async def test_what_never_holds_for_so_long_fails_at_the_end_of_its_time() -> None:
    probe, clock = Probe(frozenset(range(0, 100, 3))), QuickClock()

    with pytest.raises(GateError, match="not well within 20 s"):
        await hold_gate(probe, EXPECTED, PATIENCE, clock)

    assert PATIENCE.timeout < clock.passed < PATIENCE.timeout + 3
