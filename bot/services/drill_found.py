"""What a drill has found so far, while it goes on."""

from dataclasses import dataclass, field

from bot.domain.contents import Contents
from bot.domain.errors import IntegrityError, OtherKeyError


@dataclass
class DrillFound:
    """What has come back so far; *damage* is what of the *reasons* is the backup's own.

    *in_all* is what of that is no fault of the store in which it was read.
    """

    reasons: list[str] = field(default_factory=list)
    damage: list[str] = field(default_factory=list)
    in_all: list[str] = field(default_factory=list)
    components: list[str] = field(default_factory=list)
    rows: int | None = None
    keys: int | None = None
    contents: Contents | None = None
    boot_seconds: float | None = None

    def unreadable(self, error: IntegrityError) -> None:
        """Part of it is not what it was; that no key opens it says nothing of it."""
        self.reasons.append(str(error))
        if not isinstance(error, OtherKeyError):
            self.damage.append(str(error))
