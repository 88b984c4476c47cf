"""What is found in one store, and tells of the other stores that have the same backup.

The same bytes lie in all of them. So what is damaged though its stored bytes are those that were
sent is damaged in all, while a store that has lost some of them is alone in that.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.catalogue import BackupRecord, require_readable
from bot.domain.damage import Depth
from bot.domain.errors import IntegrityError, OtherKeyError, PortError, RefusedError
from bot.domain.manifest import Component, Manifest
from bot.services.damage import DamageLog, Named
from bot.services.stalls import unless_stalled
from bot.services.store_ports import BackupStore
from bot.services.stores import STORE_ERRORS, Stores
from bot.services.verify import verify_component

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DamageElsewhere:
    """The *logs* of the other stores by their names; each has *stall* seconds for every step."""

    logs: Mapping[str, DamageLog]
    stall: float

    async def remember(
        self, backup: Named, reason: str, depth: Depth, error: IntegrityError
    ) -> None:
        """Let it count as damaged there, too; where that could not be noted is said on *error*."""

        async def note(there: DamageLog) -> None:
            await there.found(backup, reason, depth)

        for name, log in self.logs.items():
            try:
                await self._in(log, note)
            except (*STORE_ERRORS, RefusedError) as unwritten:
                error.add_note(
                    f'In store "{name}" it still counts as good, since no note could be made:'
                    f" {unwritten}."
                )

    async def whole(self, manifest: Manifest) -> None:
        """After a drill that found nothing: let it count as good where the stored bytes are, too.

        They are read only where it counts as damaged.
        """

        async def look(there: DamageLog) -> None:
            if await there.standing(manifest):
                for component in manifest.components:
                    await verify_component(there.store, component, ())
                await there.whole(manifest, Depth.DRILLED)

        for name, log in self.logs.items():
            try:
                await self._in(log, look)
            except (*STORE_ERRORS, RefusedError) as error:  # the verdict is known all the same
                logger.warning('%s in store "%s" is not found whole: %s', manifest.id, name, error)

    async def _in(self, log: DamageLog, act: Callable[[DamageLog], Awaitable[None]]) -> None:
        await unless_stalled(log.store, lambda store: act(replace(log, store=store)), self.stall)


def elsewhere(
    stores: Stores, record: BackupRecord, log_of: Callable[[BackupStore], DamageLog]
) -> DamageElsewhere:
    """Of all stores that have *record*, but for the one from which it is read."""
    names = {*record.stores[1:], *record.damaged_in}
    logs = {each.name: log_of(each.store) for each in stores.places if each.name in names}
    return DamageElsewhere(logs, stores.stall)


@dataclass(frozen=True)
class DamageNotes:
    """Notes what was found while backups in *stores* were read for something else; *log_of* one."""

    stores: Stores
    log_of: Callable[[BackupStore], DamageLog]

    async def remember(
        self, record: BackupRecord, component: Component, error: IntegrityError
    ) -> None:
        """Let *record* count as damaged: *component*, read from where it is held, did not open.

        What of that could not be noted is said on *error*. A key that does not fit is no damage.
        """
        backup, store = require_readable(record), self.stores.holding(record)
        await self.log_of(store).remember(backup, error, Depth.OPENED)
        others = elsewhere(self.stores, record, self.log_of)
        doubtful = others.logs and not isinstance(error, OtherKeyError)
        if doubtful and await is_as_sent(store, component):
            await others.remember(backup, str(error), Depth.OPENED, error)


async def is_as_sent(store: BackupStore, component: Component) -> bool:
    """Whether the bytes that lie there are known to be those that were sent."""
    try:
        await verify_component(store, component, ())
    except (IntegrityError, PortError):
        return False
    return True
