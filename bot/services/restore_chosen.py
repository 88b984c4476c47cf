"""The backup that a restore uses, as a person named it or none, and whether it may be opened."""

from dataclasses import dataclass, replace

from bot.domain.catalogue import BackupRecord, require_readable
from bot.domain.errors import IntegrityError, RefusedError
from bot.domain.manifest import Manifest
from bot.domain.messages import RunRestore
from bot.domain.restore import UNTOUCHED
from bot.domain.restore_choice import choose_to_restore, newest_to_restore
from bot.services.catalogue import read_unsigned
from bot.services.keyring import Keyring
from bot.services.stores import Stores


@dataclass(frozen=True)
class Chosen:
    """*newest*: no good one is newer, but safety backups."""

    record: BackupRecord
    manifest: Manifest
    newest: bool


async def choose_backup(
    command: RunRestore, stores: Stores, stack: str, keyring: Keyring
) -> Chosen:
    """What *command* names in the folder *stack* of *stores*.

    Raises:
        RefusedError: there is none, nobody trusted has signed it, or the key is not here.
        IntegrityError: something of it is missing.
    """
    try:
        return await _choose(command, stores, stack, keyring)
    except (RefusedError, IntegrityError) as error:
        error.hint = f"{UNTOUCHED} {error.hint}".strip()
        raise


async def _choose(command: RunRestore, stores: Stores, stack: str, keyring: Keyring) -> Chosen:
    trusted = keyring.trusted | ({command.trust} if command.trust else set())
    records = await stores.backups(stack, trusted)
    record, newest = choose_to_restore(records, command.backup), newest_to_restore(records)
    is_newest = newest is None or record.created >= newest.created
    if command.allow_unsigned:
        store = stores.holding(record)
        unsigned, manifest = await read_unsigned(store, stack, record.id)
        record = replace(unsigned, stores=record.stores)
    else:
        require_readable(record)
        manifest = await stores.manifest(record, trusted)
    if not keyring.identities:
        raise RefusedError(
            "the private key is not on this host, so nothing can be decrypted",
            hint="Set AKBOT_IDENTITY_FILE to the key.",
        )
    return Chosen(record, manifest, is_newest)
