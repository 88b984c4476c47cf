"""Documents that are written with a signature beside them."""

from collections.abc import AsyncIterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.manifest import SIGNATURE_SUFFIX
from bot.domain.signature import sign
from bot.services.store_ports import BackupStore


async def put_signed(
    store: BackupStore, key: str, document: bytes, signing_key: Ed25519PrivateKey
) -> None:
    """Sign *document* and store it; the signature first, so that it never stands without one."""
    signature = sign(document, signing_key)
    await store.put(key + SIGNATURE_SUFFIX, _once(signature))
    await store.put(key, _once(document))


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
