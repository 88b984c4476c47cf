"""Keys as text: single ones, and the files that `age-keygen` and people write."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from bot.age import bech32, hybrid, x25519
from bot.age.errors import KeyFormatError
from bot.age.hybrid import HybridIdentity, HybridRecipient
from bot.age.x25519 import X25519Identity, X25519Recipient

KeyRecipient = X25519Recipient | HybridRecipient
KeyIdentity = X25519Identity | HybridIdentity

_Key = TypeVar("_Key", KeyRecipient, KeyIdentity)


def parse_recipient(text: str) -> KeyRecipient:
    """Read `age1…` or `age1pq1…`.

    Raises:
        KeyFormatError: *text* is something else; the message says what, and quotes none of it.
    """
    if text.upper().startswith(("AGE-SECRET-KEY-", "AGE-PLUGIN-")):
        raise KeyFormatError("this is a secret key; its recipient begins with age1")
    if text.startswith("ssh-"):
        raise KeyFormatError("SSH keys are not supported; a recipient begins with age1")
    if not text.startswith("age1"):
        raise KeyFormatError("malformed recipient: it does not begin with age1")
    prefix, data = _decode(text, "recipient")
    match prefix:
        case x25519.RECIPIENT_PREFIX:
            return X25519Recipient(data)
        case hybrid.RECIPIENT_PREFIX:
            return HybridRecipient(data)
        case _:
            raise KeyFormatError("recipients of plugins are not supported, only age1… and age1pq1…")


def parse_identity(text: str) -> KeyIdentity:
    """Read `AGE-SECRET-KEY-1…` or `AGE-SECRET-KEY-PQ-1…`.

    Raises:
        KeyFormatError: *text* is something else; the message says what, and quotes none of it.
    """
    if text.startswith("age1"):
        raise KeyFormatError("this is a recipient; an identity begins with AGE-SECRET-KEY-")
    if text.startswith("AGE-PLUGIN-"):
        raise KeyFormatError("identities of plugins are not supported")
    if not text.startswith(x25519.IDENTITY_PREFIX):
        raise KeyFormatError("malformed identity: it does not begin with AGE-SECRET-KEY-")
    prefix, data = _decode(text, "identity")
    match prefix:
        case x25519.IDENTITY_PREFIX:
            return X25519Identity(data)
        case hybrid.IDENTITY_PREFIX:
            return HybridIdentity(data)
        case _:
            raise KeyFormatError("identities of this kind are not supported")


def parse_identity_file(text: str) -> list[KeyIdentity]:
    """Read one identity a line; blank lines and `#` comments are skipped.

    Raises:
        KeyFormatError: A line is no identity, which the message names by number, or none is.
    """
    return _parse_lines(text, parse_identity, "identity")


def parse_recipient_file(text: str) -> list[KeyRecipient]:
    """Read one recipient a line; blank lines and `#` comments are skipped.

    Raises:
        KeyFormatError: A line is no recipient, which the message names by number, or none is.
    """
    return _parse_lines(text, parse_recipient, "recipient")


def format_identity_file(identity: KeyIdentity, created: datetime) -> str:
    """Return what `age-keygen` would write; *created* must know its time zone."""
    stamp = created.isoformat(timespec="seconds").replace("+00:00", "Z")
    public = identity.recipient()
    return f"# created: {stamp}\n# public key: {public}\n{identity.secret_text()}\n"


def _decode(text: str, what: str) -> tuple[str, bytes]:
    try:
        return bech32.decode(text)
    except ValueError as error:
        raise KeyFormatError(f"malformed {what}: {error}") from None


def _parse_lines(text: str, parse: Callable[[str], _Key], what: str) -> list[_Key]:
    keys = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.strip()
        if not content or content.startswith("#"):
            continue
        try:
            keys.append(parse(content))
        except KeyFormatError as error:
            raise KeyFormatError(f"line {number}: {error}") from None
    if not keys:
        raise KeyFormatError(f"there is no {what} in it")
    return keys
