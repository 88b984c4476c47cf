"""The part of the composition root that proves backups: read back, or restored beside the stack."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from bot.adapters.engine import DockerEngine
from bot.adapters.keys import HostKeys
from bot.adapters.read_locks import ReadLocks
from bot.app_upkeep import damage_logs
from bot.domain.catalogue import BackupRecord, choose
from bot.domain.drill import DrillReport
from bot.domain.drilled import keyless_was_told, outcome_words
from bot.domain.jobs import ALL_JOBS, Trigger
from bot.domain.messages import RunDrill
from bot.services.damage import DamageLog
from bot.services.damage_elsewhere import elsewhere
from bot.services.drill import DrillService
from bot.services.jobs import Begun, Jobs
from bot.services.ports import Clock, JobLog, Publish
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores
from bot.services.verify import Verified, VerifyService, verify_in_each


@dataclass(frozen=True)
class Proofs:
    """Verifies and drills of what lies in *stores*; *backups* asks for all that there is."""

    jobs: Jobs
    engine: DockerEngine
    stores: Stores
    locks: ReadLocks
    clock: Clock
    keys: HostKeys
    backups: Callable[[], Awaitable[list[BackupRecord]]]

    def verify(self, publish: Publish, record: BackupRecord) -> dict[str, VerifyService]:
        """`akbot verify`, for each store that has *record*, by its name."""
        wanted = {*record.stores, *record.damaged_in}
        identities = self.keys.identities()

        def service(store: BackupStore) -> VerifyService:
            log = self._damage_log(store)
            return VerifyService(
                self.engine, store, identities, self.clock, publish, self.locks, log
            )

        places = [each for each in self.stores.places if each.name in wanted]
        return {place.name: service(place.store) for place in places}

    async def read_back(self, wanted: str, publish: Publish) -> Verified:
        """Verify one backup, in every store that has it."""
        record = choose(await self.backups(), wanted)
        services = await asyncio.to_thread(self.verify, publish, record)
        return await verify_in_each(services, record, publish)

    async def drill(self, command: RunDrill, begun: Begun | None = None) -> DrillReport:
        """`akbot drill`, as a job."""

        async def work(job: JobLog, publish: Publish) -> DrillReport:
            keyring = await asyncio.to_thread(self.keys.keyring)
            record = choose(await self.backups(), command.backup)
            service = DrillService(
                self.engine,
                self.stores.holding(record),
                keyring,
                self.clock,
                publish,
                self.locks,
                self._damage_log(self.stores.holding(record)),
                elsewhere(self.stores, record, self._damage_log),
                boot=command.boot,
                is_planned=command.trigger is Trigger.SCHEDULE,
            )
            return await service.run(record, job)

        told = keyless_was_told(await self.jobs.journal.jobs(ALL_JOBS))
        return await self.jobs.run(command, work, begun, partial(outcome_words, told=told))

    @property
    def _damage_log(self) -> Callable[[BackupStore], DamageLog]:
        return damage_logs(self.keys, self.clock)
