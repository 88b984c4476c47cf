"""What can go wrong with an age file, by what its holder can do about it.

    AgeError
    ├── KeyFormatError        the text is not a key of this kind: check what was copied
    ├── RecipientsError       these recipients cannot share a file: choose others
    ├── FormatError           not an age file, or one that was damaged before its payload
    │   ├── ArmorError        the ASCII armour is malformed
    │   └── HeaderError       the header is malformed, too long, or cut off
    │       └── HeaderMacError    the header was changed after it was written
    ├── NoIdentityMatchError  none of the identities opens the file: find the right one
    └── PayloadError          the content is damaged, cut off or has something added

No message carries key material, plaintext, or text from the file.
"""


class AgeError(Exception):
    """The base of every error of this package."""


class KeyFormatError(AgeError):
    """A recipient, an identity or a file of them cannot be read."""


class RecipientsError(AgeError):
    """The recipients cannot be used together, or there are none."""


class FormatError(AgeError):
    """The input is not an age file that this package can read."""


class ArmorError(FormatError):
    """The ASCII armour is malformed."""


class HeaderError(FormatError):
    """The header is malformed, too long, or cut off."""


class HeaderMacError(HeaderError):
    """The header was changed after it was written."""


class NoIdentityMatchError(AgeError):
    """The header is sound, and none of the identities opens it."""


class PayloadError(AgeError):
    """The payload is damaged, cut off, reordered or extended."""
