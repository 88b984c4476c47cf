"""The classical key pair, which every age program opens."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from bot.age import bech32, encoding
from bot.age.errors import HeaderError, KeyFormatError
from bot.age.header import Stanza
from bot.age.primitives import derive_key, unwrap_file_key, wrap_file_key
from bot.age.recipients import Group

RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "AGE-SECRET-KEY-"

_KIND = "X25519"
_INFO = b"age-encryption.org/v1/X25519"
_KEY_SIZE = 32


class X25519Recipient:
    """A public key, `age1…`."""

    group = Group.CLASSICAL

    def __init__(self, public_key: bytes) -> None:
        if len(public_key) != _KEY_SIZE:
            raise KeyFormatError("malformed recipient: it has the wrong length")
        self._key = X25519PublicKey.from_public_bytes(public_key)
        try:
            X25519PrivateKey.generate().exchange(self._key)
        except ValueError as error:
            raise KeyFormatError("malformed recipient: its point is of low order") from error
        self._text = bech32.encode(RECIPIENT_PREFIX, public_key)

    def wrap(self, file_key: bytes) -> Stanza:
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        salt = share + self._key.public_bytes_raw()
        wrap_key = derive_key(ephemeral.exchange(self._key), salt=salt, info=_INFO)
        argument = encoding.encode(share).decode("ascii")
        return Stanza(_KIND, (argument,), wrap_file_key(wrap_key, file_key))

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"X25519Recipient({self._text})"


class X25519Identity:
    """A secret key, `AGE-SECRET-KEY-1…`; only `secret_text` gives it away."""

    def __init__(self, secret_key: bytes) -> None:
        if len(secret_key) != _KEY_SIZE:
            raise KeyFormatError("malformed identity: it has the wrong length")
        self._key = X25519PrivateKey.from_private_bytes(secret_key)
        self._public_key = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> "X25519Identity":
        return cls(X25519PrivateKey.generate().private_bytes_raw())

    def recipient(self) -> X25519Recipient:
        return X25519Recipient(self._public_key)

    def secret_text(self) -> str:
        """The key itself, as it stands in an identity file."""
        return bech32.encode(IDENTITY_PREFIX.lower(), self._key.private_bytes_raw()).upper()

    def unwrap(self, stanza: Stanza) -> bytes | None:
        if stanza.kind != _KIND:
            return None
        share = stanza.argument_bytes(_KEY_SIZE)
        body = stanza.wrapped_key()
        try:
            secret = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError as error:
            raise HeaderError("an X25519 stanza holds a point of low order") from error
        wrap_key = derive_key(secret, salt=share + self._public_key, info=_INFO)
        return unwrap_file_key(wrap_key, body)

    def __repr__(self) -> str:
        return f"X25519Identity(of {self.recipient()})"
