"""Wait until a version holds at the gate, or until there is no more time for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.errors import PortError
from bot.domain.gate import Expected, Observation, faults, restarted
from bot.services.ports import Clock
from bot.services.restore_ports import StackProbe

_LOOK_AGAIN = 1.0


@dataclass(frozen=True)
class GatePatience:
    """Seconds: for how long all must hold, and how long that may take to come about."""

    stable: float
    timeout: float


class GateError(PortError):
    """It did not hold in time; the message says what was missing in the end."""


async def hold_gate(
    probe: StackProbe, expected: Expected, patience: GatePatience, clock: Clock
) -> float:
    """Return once all that is *expected* has held for *patience.stable* seconds on end.

    Since when it has, by the monotonic clock.

    Raises GateError after *patience.timeout* seconds.
    """
    began = clock.monotonic()
    since: float | None = None
    before: Observation | None = None
    while True:
        seen = await probe.look()
        missing = _missing(seen, before, expected)
        before, now = seen, clock.monotonic()
        if missing:
            since = None
        elif since is None:
            since = now
        if since is not None and now - since >= patience.stable:
            return since
        if now - began > patience.timeout:
            words = "; ".join(missing) or f"it has not held for {patience.stable:g} s yet"
            raise GateError(f"the stack was not well within {patience.timeout:g} s: {words}")
        await clock.sleep(_LOOK_AGAIN)


def _missing(seen: Observation, before: Observation | None, expected: Expected) -> Sequence[str]:
    found = faults(seen, expected)
    if not found and before is not None and restarted(seen, before):
        return ["a container has restarted"]
    return found
