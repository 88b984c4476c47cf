"""The last step of a backup: its signed manifest, by whose presence it exists."""

from bot.domain.backup_id import BackupId
from bot.domain.errors import IntegrityError
from bot.domain.manifest import MANIFEST, Manifest, backup_prefix, encode_manifest
from bot.domain.pins import encode_pin, pin_file
from bot.services.catalogue import read_small
from bot.services.keyring import Keyring
from bot.services.signed import put_signed
from bot.services.store_ports import BackupStore


async def commit(store: BackupStore, manifest: Manifest, keyring: Keyring, *, pin: bool) -> None:
    """Write the signed manifest beside its components, and where wanted a *pin* before it.

    Raises IntegrityError where the store gives back another one.
    """
    prefix, data = backup_prefix(manifest.stack, manifest.id), encode_manifest(manifest)
    if pin:
        document = encode_pin(manifest.stack, BackupId(manifest.id))
        await put_signed(store, prefix + pin_file(1), document, keyring.signing_key)
    await put_signed(store, prefix + MANIFEST, data, keyring.signing_key)
    if await read_small(store, prefix + MANIFEST) != data:
        raise IntegrityError("the manifest that the store gives back is another one")
