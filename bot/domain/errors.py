"""The error tree: one class per thing that a caller can do about it.

    BotError              message and, where there is one, a next step
    ├── ConfigError       a setting or an argument is wrong; nothing was tried (exit 2)
    ├── RefusedError      a precondition does not hold; nothing was changed (exit 3)
    │   ├── BusyError             another job runs
    │   ├── UpToDateError         there is nothing newer to update to
    │   ├── UnfitError            a change of the compose files may make the stack fit
    │   └── SlotTakenError        the planned work has had its run meanwhile
    ├── UpdateFailedError the new version did not hold; the one before was put back (exit 4)
    ├── RollbackFailedError  the one before does not hold either, or is not back (exit 5)
    ├── JobCancelledError a person asked for it (exit 1)
    ├── IntegrityError    bytes are not what they must be; trying again does not help (exit 1)
    │   ├── UntrustedError        nobody that this host trusts has signed them
    │   ├── OtherKeyError         no key that is here opens them: they may be whole
    │   └── UnsafeArchiveError    unpacked they might be written elsewhere than was meant
    └── PortError         an outside system failed; `retryable` says whether again may help (exit 1)
        ├── ObjectNotFoundError   the store has no such object
        └── ObjectExistsError     the store has one already, and keys are written once

A message reads verb, quoted object, cause: `read object "a/b": access denied`. A hint is one
imperative sentence. Neither ever carries a secret.
"""

from collections.abc import Sequence

_SENTENCE_ENDS = (".", "?", "!", "…")


class BotError(Exception):
    """An error with a message for the operator and, if there is one, a next step."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def in_full(self) -> str:
        """The message and, where there is one, the hint as the next sentence."""
        message = str(self)
        if not self.hint:
            return message
        return f"{message}{'' if message.endswith(_SENTENCE_ENDS) else '.'} {self.hint}"


class ConfigError(BotError):
    """A setting or an argument is wrong; nothing was tried."""


class RefusedError(BotError):
    """A precondition does not hold; nothing was changed."""


class BusyError(RefusedError):
    """Another job runs; nothing was changed."""


class UpToDateError(RefusedError):
    """What runs is what was asked for, or the newest that there is."""


class UnfitError(RefusedError):
    """The stack is not fit for an update.

    *by_compose*: all that stands in its way lies in the compose files, which akbot can change.
    """

    def __init__(self, message: str, *, hint: str = "", by_compose: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.by_compose = by_compose


class SlotTakenError(RefusedError):
    """What was planned has had its run meanwhile; nothing was changed."""


class UpdateFailedError(BotError):
    """The new version did not hold, and the one before serves again; *proof* are its log's lines.

    They are masked.
    """

    def __init__(self, message: str, proof: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.proof = tuple(proof)


class RollbackFailedError(BotError):
    """The version before does not hold either, or could not be put back: see to it at once."""


class JobCancelledError(BotError):
    """Somebody asked for it; nothing half-done was left."""


class IntegrityError(BotError):
    """Bytes are not what they must be; trying again does not help."""


class RoleMissingError(IntegrityError):
    """A dump that is whole grants something to a role that is not there."""


class UntrustedError(IntegrityError):
    """The signature is missing, wrong, or made by a key that is not trusted here."""


class OtherKeyError(IntegrityError):
    """They are sealed for a key that is not here, and so may be whole."""


class UnsafeArchiveError(IntegrityError):
    """An archive that might be unpacked elsewhere than was meant, whoever has signed it."""


class PortError(BotError):
    """An outside system failed."""

    def __init__(self, message: str, *, hint: str = "", retryable: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.retryable = retryable


def is_retryable(error: BaseException) -> bool:
    """Whether trying again may help."""
    return isinstance(error, PortError) and error.retryable


class ObjectNotFoundError(PortError):
    """The store has no such object."""


class ObjectExistsError(PortError):
    """The store already has an object of that key; keys are written once."""
