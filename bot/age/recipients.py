"""What the sealer and the opener ask of keys, whatever their kind."""

from collections.abc import Sequence
from enum import Enum
from typing import Protocol

from bot.age.errors import RecipientsError
from bot.age.header import Stanza


class Group(Enum):
    """Recipients of different groups never share a file."""

    CLASSICAL = "classical"
    POST_QUANTUM = "post-quantum"
    PASSPHRASE = "passphrase"  # noqa: S105  (a name, not a secret)


class Recipient(Protocol):
    """Someone to encrypt for; `str` gives the public text, if there is one."""

    @property
    def group(self) -> Group:
        """The recipients that it can be combined with."""
        ...

    def wrap(self, file_key: bytes) -> Stanza:
        """Make the stanza that only this recipient can open; each call makes another one."""
        ...


class Identity(Protocol):
    """Someone who can decrypt."""

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the file key, or None where the stanza is for somebody else.

        Raises:
            HeaderError: The stanza is of this identity's type and malformed.
        """
        ...


def wrap_for_all(recipients: Sequence[Recipient], file_key: bytes) -> list[Stanza]:
    """Make one stanza for each of *recipients*.

    Raises:
        RecipientsError: There are none, or the format forbids to combine them.
    """
    groups = {recipient.group for recipient in recipients}
    if not groups:
        raise RecipientsError("there is no recipient to encrypt for")
    if Group.PASSPHRASE in groups and len(recipients) > 1:
        raise RecipientsError("a passphrase must be the only recipient of a file")
    if len(groups) > 1:
        raise RecipientsError(
            "a hybrid recipient (age1pq1…) and a classical one (age1…) cannot share a file:"
            " the classical one would undo the protection against quantum computers"
        )
    return [recipient.wrap(file_key) for recipient in recipients]
