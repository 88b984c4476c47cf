"""A passphrase instead of a key pair, made slow to guess by scrypt."""

import re
import secrets

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from bot.age import encoding
from bot.age.errors import HeaderError, NoIdentityMatchError, RecipientsError
from bot.age.header import Stanza
from bot.age.primitives import unwrap_file_key, wrap_file_key
from bot.age.recipients import Group

KIND = "scrypt"

_LABEL = b"age-encryption.org/v1/scrypt"
_SALT_SIZE = 16
_BLOCK_SIZE = 8
_WORK_FACTOR = re.compile(r"[1-9][0-9]*")
_DEFAULT_WORK_FACTOR = 18
_HIGHEST_WORK_FACTOR = 30
_DEFAULT_MAX_WORK_FACTOR = 22


class PassphraseRecipient:
    """Encrypts under a passphrase; it must be the only recipient of its file.

    Args:
        passphrase: Taken as it is, in UTF-8.
        work_factor: Each step doubles time and memory: 18 takes about a second and 256 MiB, here
            and for whoever opens the file.
    """

    group = Group.PASSPHRASE

    def __init__(self, passphrase: str, work_factor: int = _DEFAULT_WORK_FACTOR) -> None:
        if not passphrase:
            raise RecipientsError("the passphrase is empty")
        if not 1 <= work_factor <= _HIGHEST_WORK_FACTOR:
            raise RecipientsError(f"the work factor is not between 1 and {_HIGHEST_WORK_FACTOR}")
        self._passphrase = passphrase
        self._work_factor = work_factor

    def wrap(self, file_key: bytes) -> Stanza:
        salt = secrets.token_bytes(_SALT_SIZE)
        wrap_key = _stretch(self._passphrase, salt, self._work_factor)
        arguments = (encoding.encode(salt).decode("ascii"), str(self._work_factor))
        return Stanza(KIND, arguments, wrap_file_key(wrap_key, file_key))

    def __repr__(self) -> str:
        return "PassphraseRecipient(…)"


class PassphraseIdentity:
    """Decrypts with a passphrase.

    Args:
        passphrase: Taken as it is, in UTF-8.
        max_work_factor: The highest that a file may ask for, since its writer chooses how much of
            the reader's time and memory it costs: 22 is about 20 seconds and 4 GiB.
    """

    def __init__(self, passphrase: str, max_work_factor: int = _DEFAULT_MAX_WORK_FACTOR) -> None:
        self._passphrase = passphrase
        self._max_work_factor = max_work_factor

    def unwrap(self, stanza: Stanza) -> bytes | None:
        if stanza.kind != KIND:
            return None
        if len(stanza.arguments) != 2:  # noqa: PLR2004  (salt and work factor)
            raise HeaderError("a scrypt stanza has the wrong number of arguments")
        salt_text, factor_text = stanza.arguments
        salt = stanza.decode(salt_text, _SALT_SIZE)
        if not _WORK_FACTOR.fullmatch(factor_text):
            raise HeaderError("the work factor of a scrypt stanza is malformed")
        # The length first: no number of three digits is near the limit, and a long one is slow.
        if len(factor_text) > 2 or int(factor_text) > self._max_work_factor:  # noqa: PLR2004
            raise HeaderError(f"the passphrase's work factor is above {self._max_work_factor}")
        body = stanza.wrapped_key()
        return unwrap_file_key(_stretch(self._passphrase, salt, int(factor_text)), body)

    def __repr__(self) -> str:
        return "PassphraseIdentity(…)"


def _stretch(passphrase: str, salt: bytes, work_factor: int) -> bytes:
    kdf = Scrypt(salt=_LABEL + salt, length=32, n=1 << work_factor, r=_BLOCK_SIZE, p=1)
    try:
        return kdf.derive(passphrase.encode())
    except MemoryError as error:
        mebibytes = (128 * _BLOCK_SIZE << work_factor) >> 20
        raise NoIdentityMatchError(f"the passphrase needs {mebibytes} MiB of memory") from error
