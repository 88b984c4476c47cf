"""Restarts a container whose health check fails, a few times, and says so where that does not help.

Each restart is in the journal before it is done, so that one that was cut off counts.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from bot.domain.cure import (
    WITHIN,
    Patient,
    Remedy,
    Treatment,
    is_to_be_restarted,
    patients,
    remedy,
    tried_lately,
)
from bot.domain.errors import BotError, BusyError
from bot.domain.incident import Rules
from bot.domain.incident_watch import Watch
from bot.services.journal_ports import JobLock
from bot.services.ports import Clock
from bot.services.watch_ports import Containers, CureLog, CureTeller, Ward

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cure:
    """At most *limit* restarts of a service in an hour.

    *watch* is what is known of the containers; *is_free* says that neither a job nor a person works
    on the stack. *lock* keeps jobs from beginning meanwhile.
    """

    watch: Callable[[], Watch]
    containers: Containers
    ward: Ward
    log: CureLog
    teller: CureTeller
    is_free: Callable[[], Awaitable[bool]]
    lock: JobLock
    clock: Clock
    rules: Rules
    limit: int

    async def round(self) -> None:
        """Do for each container what there is to do; every second or so. Raises PortError."""
        for patient in patients(self.watch(), self.rules):
            if await self.is_free():
                await self._treat(patient)

    async def _treat(self, patient: Patient) -> None:
        now = self.clock.now()
        since = min(patient.incident.opened, now - WITHIN)
        history = await self.log.since(since)
        match remedy(patient, history, now, self.limit):
            case Remedy.RESTART:
                if is_to_be_restarted(patient, await self.containers.look(), history):
                    await self._alone(patient, history)
            case Remedy.GIVE_UP:
                await self._give_up(patient, history)
            case Remedy.WAIT:
                pass

    async def _alone(self, patient: Patient, history: Sequence[Treatment]) -> None:
        """Restart it unless a job is quicker; then there is another round after it."""
        try:
            async with self.lock.hold(None):
                is_ill = patient in patients(self.watch(), self.rules)
                if is_ill and await self.is_free():
                    await self._restart(patient, history)
        except BusyError as error:
            logger.info("restart %s: %s", patient.incident.root, error)

    async def _restart(self, patient: Patient, history: Sequence[Treatment]) -> None:
        """One that fails may have left it stopped: people are told, and it is not tried again."""
        incident = patient.incident
        treatment = Treatment(service=incident.root, at=self.clock.now(), opened=incident.opened)
        await self.log.write(treatment)
        try:
            is_done = await self.ward.restart_unhealthy(incident.root)
        except BotError as error:
            logger.warning("%s", error)
            failed = replace(treatment, failure=str(error))
            await self._give_up(patient, (*history, failed))
            await self.log.write(failed)
            return
        if is_done:
            logger.warning("restarted %s, whose health check failed", incident.root)
        else:
            await self.log.remove(treatment)

    async def _give_up(self, patient: Patient, history: Sequence[Treatment]) -> None:
        """Told before it is written down: a kill in between must not keep it from people."""
        incident, now = patient.incident, self.clock.now()
        await self.teller.gave_up(incident, tried_lately(incident, history, now))
        await self.log.write(
            Treatment(service=incident.name, at=now, opened=incident.opened, gave_up=True)
        )
