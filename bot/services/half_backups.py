"""The backup that another kind of job makes first: it is whole, or nothing of it is left."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.domain.jobs import Job
from bot.domain.signature import PublicKey
from bot.services.catalogue import find_backup
from bot.services.deletion import STACK, delete_set
from bot.services.ports import Engine
from bot.services.settling import WHOLE_STATES
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores


@dataclass(frozen=True)
class HalfBackups:
    """Removes them; *trusted* says whose signatures count."""

    engine: Engine
    stores: Stores
    trusted: Callable[[], frozenset[PublicKey]]

    async def drop(self, job: Job) -> None:
        """Delete what *job* has stored, unless it is whole, and end its programs.

        Raises PortError where a store or Docker does not answer.
        """
        if STACK not in job.plan:
            return
        name, trusted = job.plan[STACK], self.trusted()

        async def drop(store: BackupStore) -> None:
            record = await find_backup(store, name, job.id, trusted)
            if record is not None and record.state not in WHOLE_STATES:
                await delete_set(store, name, job.id)

        await self.stores.ask(drop)
        stack = await self.engine.find_stack()
        if stack.may_be_asked:
            await self.engine.database(stack, job.id).end_sessions()
