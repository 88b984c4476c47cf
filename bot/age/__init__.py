"""The age v1 file format (C2SP age), so that anyone can open a backup with a stock `age`.

Bytes in, bytes out: `Sealer` and `Opener` take pieces of any size and never block but for a
passphrase; `encrypt` and `decrypt` do the same over iterables. Keys come from text. Nothing here
opens a file, and nothing here knows the rest of the bot.
"""

from bot.age.armor import BEGIN as ARMOR_BEGIN
from bot.age.errors import (
    AgeError,
    ArmorError,
    FormatError,
    HeaderError,
    HeaderMacError,
    KeyFormatError,
    NoIdentityMatchError,
    PayloadError,
    RecipientsError,
)
from bot.age.header import MAX_HEADER_SIZE, VERSION_LINE
from bot.age.hybrid import HybridIdentity, HybridRecipient
from bot.age.keyfile import (
    KeyIdentity,
    KeyRecipient,
    format_identity_file,
    parse_identity,
    parse_identity_file,
    parse_recipient,
    parse_recipient_file,
)
from bot.age.opener import Opener, decrypt
from bot.age.recipients import Identity, Recipient
from bot.age.scrypt import PassphraseIdentity, PassphraseRecipient
from bot.age.sealer import Sealer, encrypt
from bot.age.stream import CHUNK_SIZE
from bot.age.x25519 import X25519Identity, X25519Recipient

__all__ = [
    "ARMOR_BEGIN",
    "CHUNK_SIZE",
    "MAX_HEADER_SIZE",
    "VERSION_LINE",
    "AgeError",
    "ArmorError",
    "FormatError",
    "HeaderError",
    "HeaderMacError",
    "HybridIdentity",
    "HybridRecipient",
    "Identity",
    "KeyFormatError",
    "KeyIdentity",
    "KeyRecipient",
    "NoIdentityMatchError",
    "Opener",
    "PassphraseIdentity",
    "PassphraseRecipient",
    "PayloadError",
    "Recipient",
    "RecipientsError",
    "Sealer",
    "X25519Identity",
    "X25519Recipient",
    "decrypt",
    "encrypt",
    "format_identity_file",
    "parse_identity",
    "parse_identity_file",
    "parse_recipient",
    "parse_recipient_file",
]
