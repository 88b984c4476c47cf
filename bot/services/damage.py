"""Remember what those who read one store's backups found, beside the backups there."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId
from bot.domain.damage import (
    Damage,
    Depth,
    damage_file,
    damage_to_read,
    encode_damage,
    judge_damage,
    next_damage,
)
from bot.domain.errors import IntegrityError, OtherKeyError, PortError, RefusedError
from bot.domain.found_set import FoundSet
from bot.domain.manifest import backup_prefix
from bot.domain.signature import PublicKey
from bot.services.catalogue import read_small
from bot.services.ports import Clock
from bot.services.signed import put_signed
from bot.services.store_ports import BackupStore

_AGAIN = {
    Depth.STORED: "a verification",
    Depth.OPENED: "a verification",
    Depth.DEEP: "a verification",
    Depth.DRILLED: "a drill",
}


class Named(Protocol):
    """What names a backup."""

    @property
    def id(self) -> str: ...

    @property
    def stack(self) -> str: ...


@dataclass(frozen=True)
class DamageLog:
    """Writes in *store*; *signing_key* is asked only where something is written, and may block.

    `found` and `whole` raise PortError where the store does not take it.
    """

    store: BackupStore
    trusted: Collection[PublicKey]
    signing_key: Callable[[], Ed25519PrivateKey]
    clock: Clock

    async def found(self, backup: Named, reason: str, depth: Depth) -> Depth:
        """Let that backup count as damaged, until a look of the depth returned finds it whole.

        What was found deeper before stays: whoever finds it whole there finds this whole, too.
        """
        standing = await self.standing(backup)
        if standing and standing.depth > depth:
            return standing.depth
        if standing is None or (standing.reason, standing.depth) != (reason, depth):
            await self._write(backup, Damage(reason, depth, self.clock.now()))
        return depth

    async def whole(self, backup: Named, depth: Depth) -> Damage | None:
        """Let it count as good again, unless what was found only shows deeper: that is returned."""
        standing = await self.standing(backup)
        if standing and standing.depth > depth:
            return standing
        if standing:
            await self._write(backup, Damage("", depth, self.clock.now()))
        return None

    async def remember(self, backup: Named, error: IntegrityError, depth: Depth) -> None:
        """Note *error*, and on it whether that could be done: what was found counts for more.

        A key that does not fit is no damage.
        """
        if isinstance(error, OtherKeyError):
            return
        try:
            until = await self.found(backup, str(error), depth)
        except (PortError, RefusedError) as unwritten:
            error.add_note(f"It still counts as good, since no note could be made: {unwritten}.")
        else:
            error.add_note(f"It counts as damaged now, until {_AGAIN[until]} finds it whole.")

    async def standing(self, backup: Named) -> Damage | None:
        """What it counts as damaged for."""
        prefix = backup_prefix(backup.stack, backup.id)
        sizes = {each.key.removeprefix(prefix): each.size async for each in self.store.list(prefix)}
        small = {
            name: await read_small(self.store, prefix + name) for name in damage_to_read(sizes)
        }
        return judge_damage(FoundSet(backup.stack, BackupId(backup.id), sizes, small), self.trusted)

    async def _write(self, backup: Named, found: Damage) -> None:
        prefix = backup_prefix(backup.stack, backup.id)
        names = [each.key.removeprefix(prefix) async for each in self.store.list(prefix)]
        number = next_damage(names)
        document = encode_damage(backup.stack, BackupId(backup.id), number, found)
        key = await asyncio.to_thread(self.signing_key)
        await put_signed(self.store, prefix + damage_file(number), document, key)
