"""How far a backup is: its events, folded into what a person wants to see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.components import POSTGRES
from bot.domain.messages import (
    BackupStarted,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    DeletionBegan,
    Event,
    StepBegan,
)

_NEVER_QUITE = 0.99


@dataclass(frozen=True)
class BackupProgress:
    """Sizes in bytes; *stored* and *verified* name components in the order in which they were done.

    *read* is what was read so far of each component that is under way; *steps* are those of a job
    that tells them, the one under way last.
    """

    database_size: int = 0
    expected_dump: int = 0
    read: Mapping[str, int] = field(default_factory=dict)
    stored: Mapping[str, int] = field(default_factory=dict)
    verified: tuple[str, ...] = ()
    doing: str = ""
    steps: tuple[str, ...] = ()

    def after(self, event: Event) -> "BackupProgress":  # noqa: PLR0911 - one for each event
        """The progress once *event* has happened."""
        match event:
            case BackupStarted(_, database_size, expected_dump):
                return replace(self, database_size=database_size, expected_dump=expected_dump)
            case ComponentProgressed(name, read_bytes, _):
                return replace(self, read={**self.read, name: read_bytes})
            case ComponentStored(component):
                under_way = {
                    name: size for name, size in self.read.items() if name != component.name
                }
                stored = {**self.stored, component.name: component.stored_size}
                return replace(self, read=under_way, stored=stored)
            case ComponentVerified(component):
                return replace(self, verified=(*self.verified, component.name))
            case DeletionBegan(backup_id, number, total):
                return replace(self, doing=f"deleting {backup_id}, {number} of {total}")
            case StepBegan(words):
                steps = (*self.steps, words)
                return replace(self, doing=words, steps=steps, stored={}, expected_dump=0)
            case _:
                return self

    @property
    def words(self) -> str:
        """What is under way, in a few words."""
        if self.doing and not self.read:
            return self.doing
        if self.read:
            return f"storing {' and '.join(sorted(self.read))}"
        return "finishing" if self.stored else "looking at the stack"

    @property
    def share(self) -> float | None:
        """How much of the dump is done, which takes nearly all the time; None if it is unknown."""
        if POSTGRES in self.stored:
            return _NEVER_QUITE
        if not self.expected_dump:
            return None
        return min(self.read.get(POSTGRES, 0) / self.expected_dump, _NEVER_QUITE)
