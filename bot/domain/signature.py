"""Who wrote it: Ed25519 signatures beside the objects that age only hides.

A signature file is one line, `ed25519 <public key> <signature>`, both in base64. The signature is
over the object's bytes as they are, so that stock `openssl pkeyutl -verify -rawin` checks it too.
"""

import base64
import binascii
from collections.abc import Collection
from typing import NewType

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bot.domain.errors import ConfigError, UntrustedError

PublicKey = NewType("PublicKey", str)
"""An Ed25519 public key as `ed25519:<base64>`."""

TRUSTED_SETTING = "AKBOT_TRUSTED_KEYS"
_SCHEME = "ed25519"
_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
MAX_SIGNATURE_BYTES = 1024


def parse_public_key(text: str, source: str) -> PublicKey:
    """Take *text* as a public key.

    Raises:
        ConfigError: it has another form, naming *source*; what may be a secret is not repeated.
    """
    text = text.strip()
    is_meant_so = text.startswith(f"{_SCHEME}:")
    raw = _decode(text.removeprefix(f"{_SCHEME}:"), _KEY_BYTES)
    if raw is None or not is_meant_so:
        shown = f'"{text[:80]}"' if is_meant_so else "a value"
        raise ConfigError(
            f"{source}: {shown} is not a signing public key",
            hint="Give it as akbot prints it: ed25519: and 44 characters of base64.",
        )
    return _public_key(raw)


def public_key_of(key: Ed25519PrivateKey) -> PublicKey:
    """The public half of *key*."""
    return _public_key(key.public_key().public_bytes_raw())


def signer_comment(key: PublicKey) -> str:
    """The line of an identity file by which its holder trusts what *key* has signed."""
    return f"# akbot signing key: {key}"


def sign(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """The signature file for *data*."""
    public = base64.b64encode(key.public_key().public_bytes_raw()).decode()
    return f"{_SCHEME} {public} {base64.b64encode(key.sign(data)).decode()}\n".encode()


def verify(data: bytes, signature_file: bytes, trusted: Collection[PublicKey]) -> PublicKey:
    """Check that one of the *trusted* keys signed exactly *data*, and return that key.

    Raises:
        UntrustedError: the file is malformed in any byte, the key unknown, or the signature wrong.
    """
    raw_key, signature = _parse(signature_file)
    key = _public_key(raw_key)
    if key not in trusted:
        raise UntrustedError(
            f'signed by the unknown key "{key}"',
            hint="If another host of yours wrote it, add that key to AKBOT_TRUSTED_KEYS.",
        )
    try:
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, data)
    except InvalidSignature as error:
        raise UntrustedError("its signature does not fit: it was changed") from error
    return key


def _parse(signature_file: bytes) -> tuple[bytes, bytes]:
    try:
        scheme, public, signature = signature_file[:MAX_SIGNATURE_BYTES].decode("ascii").split(" ")
    except ValueError as error:
        raise UntrustedError("its signature file is malformed") from error
    raw_key = _decode(public, _KEY_BYTES)
    raw_signature = _decode(signature.removesuffix("\n"), _SIGNATURE_BYTES)
    if (
        scheme != _SCHEME
        or raw_key is None
        or raw_signature is None
        or not signature.endswith("\n")
        or len(signature_file) > MAX_SIGNATURE_BYTES
    ):
        raise UntrustedError("its signature file is malformed")
    return raw_key, raw_signature


def _decode(text: str, length: int) -> bytes | None:
    """Strict base64: one text for one value, so that no byte of a signature file can change."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if len(raw) == length and base64.b64encode(raw).decode() == text else None


def _public_key(raw: bytes) -> PublicKey:
    return PublicKey(f"{_SCHEME}:{base64.b64encode(raw).decode()}")
