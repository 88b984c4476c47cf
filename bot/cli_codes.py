"""The exit codes of the command line (design section 9)."""

from bot.domain.errors import (
    BotError,
    ConfigError,
    RefusedError,
    RollbackFailedError,
    UpdateFailedError,
)

DONE, FAILED, MISUSED, REFUSED, ROLLED_BACK, ROLLBACK_FAILED = range(6)
INTERRUPTED = 130


def exit_code(error: BotError) -> int:
    """What to exit with after *error*."""
    codes: dict[type[BotError], int] = {
        ConfigError: MISUSED,
        RefusedError: REFUSED,
        UpdateFailedError: ROLLED_BACK,
        RollbackFailedError: ROLLBACK_FAILED,
    }
    return next((code for kind, code in codes.items() if isinstance(error, kind)), FAILED)


def worst_code(first: int, second: int) -> int:
    """What to exit with after both: that something failed counts more than a refusal."""
    return FAILED if FAILED in {first, second} else max(first, second)
