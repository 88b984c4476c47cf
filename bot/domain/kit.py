"""The recovery kit: what stands on it, and the code that proves that somebody still holds it.

The check code is made from the private key, one way, and stands on paper only beside that key. So
whoever types it holds the key itself, not merely this host; the code opens nothing.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.signature import PublicKey
from bot.domain.store_list import NamedStore

CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no two look alike
CODE_LENGTH = 10

_PURPOSE = b"akbot recovery kit, check code, version 1\0"
_BITS_PER_CHARACTER = 5
_TAKEN_FOR_ANOTHER = str.maketrans("OIL", "011")
_BETWEEN = dict.fromkeys(map(ord, " \t-\u2010\u2011\u2012\u2013\u2014_."))


@dataclass(frozen=True)
class SealedFor:
    """A public key that backups are sealed for, and its short name."""

    recipient: str
    fingerprint: str


@dataclass(frozen=True)
class PrivateKey:
    """A key on the sheet; *code* is "" for an old one, which opens no backup made today."""

    text: str = field(repr=False)
    fingerprint: str
    code: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Kit:
    """All that is needed when the host is gone; a secret only where *keys* are in it.

    *stores* come in the order in which they are asked. *signers* are trusted, this host's own
    first. *identity_path* is "" where the host has no private key; *database_service* is the name
    of PostgreSQL's service in the compose file.
    """

    stack: str
    stores: tuple[NamedStore, ...]
    recipients: tuple[SealedFor, ...]
    signers: tuple[PublicKey, ...]
    identity_path: str
    keys: tuple[PrivateKey, ...] = ()
    database_service: str
    printed: datetime
    version: str


def check_code(private_key: str, recipient: str) -> str:
    """The check code of a private key, written as `parse_code` returns it."""
    digest = hmac.digest(private_key.encode(), _PURPOSE + recipient.encode(), hashlib.sha256)
    number = int.from_bytes(digest)
    characters: list[str] = []
    for _ in range(CODE_LENGTH):
        number, index = divmod(number, 1 << _BITS_PER_CHARACTER)
        characters.append(CODE_ALPHABET[index])
    return "".join(characters)


def parse_code(text: str) -> str | None:
    """What a person typed, with the usual mistakes forgiven; None where it cannot be a code."""
    code = text.strip().translate(_BETWEEN).upper().translate(_TAKEN_FOR_ANOTHER)
    is_one = len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET)
    return code if is_one else None


def show_code(code: str) -> str:
    """In two groups, to be read and typed."""
    half = CODE_LENGTH // 2
    return f"{code[:half]}-{code[half:]}"
