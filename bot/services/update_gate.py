"""Hold the gate of an update: look again and again until there is a verdict."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.gate_verdict import judge, with_look
from bot.domain.update_gate import Baseline, Judgement, Patience, Sample, Verdict, Wanted
from bot.services.ports import Clock

_LOOK_AGAIN = 1.0


class GateProbe(Protocol):
    """Server and worker, seen from outside. It raises nothing for a stack that does not answer."""

    async def baseline(self) -> Baseline:
        """What is answered now, by the version that serves; the test login is tried once.

        Raises PortError where Docker does not answer.
        """

    async def sample(self, at: float) -> Sample:
        """How all is at this moment, which is *at* seconds after the containers were started.

        Of the logs what came since the look before; the test login is tried every now and then,
        and only by a server that is ready. A container that was started again tells how it ended,
        though no look fell on it while it was down. Where Docker is away, nothing is seen.
        """


@dataclass(frozen=True)
class UpdateGate:
    """The gate for one start of containers, of whose logs *probe* remembers what it has read."""

    probe: GateProbe
    clock: Clock
    patience: Patience

    async def baseline(self) -> Baseline:
        """What the version that serves now answers, for the gate to hold the new one against.

        Raises PortError where Docker does not answer.
        """
        return await self.probe.baseline()

    async def hold(self, wanted: Wanted) -> Judgement:
        """Look until there is a verdict: PROMOTE, ROLL_BACK or ASK, never WAIT.

        Time is counted from now on, so call it as soon as the containers are started.
        """
        began = self.clock.monotonic()
        samples: list[Sample] = []
        while True:
            look = await self.probe.sample(self.clock.monotonic() - began)
            samples = with_look(samples, look)
            judgement = judge(samples, wanted, self.patience)
            if judgement.verdict is not Verdict.WAIT:
                return judgement
            await self.clock.sleep(_LOOK_AGAIN)
