"""Documents that are written with a signature beside them."""

from collections.abc import AsyncIterator

from bot.domain.manifest import SIGNATURE_SUFFIX
from bot.domain.signature import sign
from bot.services.keyring import Keyring
from bot.services.ports import BackupStore


async def put_signed(store: BackupStore, key: str, document: bytes, keyring: Keyring) -> None:
    """Sign *document* and store it; the signature first, so that it never stands without one."""
    signature = sign(document, keyring.signing_key)
    await store.put(key + SIGNATURE_SUFFIX, _once(signature))
    await store.put(key, _once(document))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
