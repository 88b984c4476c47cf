"""The hybrid key pair, ML-KEM-768 and X25519 (X-Wing) under HPKE.

It stays closed unless both are broken, so a backup that is copied today cannot be opened with a
quantum computer of tomorrow. Opening it by hand needs age 1.3 or newer.
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from bot.age import bech32, encoding
from bot.age.errors import HeaderError, KeyFormatError
from bot.age.header import Stanza
from bot.age.recipients import Group

RECIPIENT_PREFIX = "age1pq"
IDENTITY_PREFIX = "AGE-SECRET-KEY-PQ-"

_KIND = "mlkem768x25519"
_INFO = b"age-encryption.org/mlkem768x25519"
_SEED_SIZE = 32
_MLKEM_SEED_SIZE = 64
_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_CIPHERTEXT_SIZE = 1088
_X25519_SIZE = 32
_ENC_SIZE = _MLKEM_CIPHERTEXT_SIZE + _X25519_SIZE
_SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class HybridRecipient:
    """A public key, `age1pq1…`."""

    group = Group.POST_QUANTUM

    def __init__(self, public_key: bytes) -> None:
        if len(public_key) != _MLKEM_PUBLIC_SIZE + _X25519_SIZE:
            raise KeyFormatError("malformed recipient: it has the wrong length")
        mlkem, x25519 = public_key[:_MLKEM_PUBLIC_SIZE], public_key[_MLKEM_PUBLIC_SIZE:]
        share = X25519PublicKey.from_public_bytes(x25519)
        try:
            X25519PrivateKey.generate().exchange(share)
            mlkem_key = MLKEM768PublicKey.from_public_bytes(mlkem)
        except ValueError as error:
            raise KeyFormatError("malformed recipient: it is not a usable key") from error
        self._key = hpke.MLKEM768X25519PublicKey(mlkem_key, share)
        self._text = bech32.encode(RECIPIENT_PREFIX, public_key)

    def wrap(self, file_key: bytes) -> Stanza:
        sealed = _SUITE.encrypt(file_key, self._key, info=_INFO)
        argument = encoding.encode(sealed[:_ENC_SIZE]).decode("ascii")
        return Stanza(_KIND, (argument,), sealed[_ENC_SIZE:])

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"HybridRecipient({self._text[:20]}…)"


class HybridIdentity:
    """A secret key, `AGE-SECRET-KEY-PQ-1…`; only `secret_text` gives it away."""

    def __init__(self, seed: bytes) -> None:
        if len(seed) != _SEED_SIZE:
            raise KeyFormatError("malformed identity: it has the wrong length")
        self._seed = seed
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_SIZE + _X25519_SIZE)
        self._mlkem_key = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_SIZE])
        self._x25519_key = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_SIZE:])
        self._key = hpke.MLKEM768X25519PrivateKey(self._mlkem_key, self._x25519_key)

    @classmethod
    def generate(cls) -> "HybridIdentity":
        return cls(secrets.token_bytes(_SEED_SIZE))

    def recipient(self) -> HybridRecipient:
        mlkem = self._mlkem_key.public_key().public_bytes_raw()
        return HybridRecipient(mlkem + self._x25519_key.public_key().public_bytes_raw())

    def secret_text(self) -> str:
        """The key itself, as it stands in an identity file."""
        return bech32.encode(IDENTITY_PREFIX.lower(), self._seed).upper()

    def unwrap(self, stanza: Stanza) -> bytes | None:
        if stanza.kind != _KIND:
            return None
        enc = stanza.argument_bytes(_ENC_SIZE)
        body = stanza.wrapped_key()
        try:
            # HPKE reports every failure alike, and this one must not pass for "not my key".
            share = X25519PublicKey.from_public_bytes(enc[_MLKEM_CIPHERTEXT_SIZE:])
            self._x25519_key.exchange(share)
        except ValueError as error:
            raise HeaderError(f"an {_KIND} stanza holds a point of low order") from error
        try:
            return _SUITE.decrypt(enc + body, self._key, info=_INFO)
        except InvalidTag:
            return None

    def __repr__(self) -> str:
        return f"HybridIdentity(of {self.recipient()!r})"
