"""How far a job is: its events, folded into what a person wants to see."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from bot.domain.components import POSTGRES
from bot.domain.messages import (
    BackupStarted,
    BytesPassed,
    ComponentProgressed,
    ComponentStored,
    ComponentVerified,
    DeletionBegan,
    Event,
    LayersPulled,
    StepBegan,
)

_NEVER_QUITE = 0.99


@dataclass(frozen=True)
class Amount:
    """So many bytes are *done* of *total*, which is 0 where nobody knows it.

    *about*: the total is an estimate. Of an image *here* of its *layers* are here.
    """

    done: int
    total: int = 0
    about: bool = False
    here: int = 0
    layers: int = 0

    @property
    def share(self) -> float | None:
        """How much of it is done; None where that is unknown."""
        done, total = (self.here, self.layers) if self.layers else (self.done, self.total)
        if not total:
            return None
        return min(done / total, _NEVER_QUITE if self.about else 1.0)


@dataclass(frozen=True)
class BackupProgress:
    """Sizes in bytes; *stored* and *verified* name components in the order in which they were done.

    *read* is what was read so far of each component that is under way, *passed* what a job that
    makes no dump has read or fetched in its step; *steps* are those of a job that tells them, the
    one under way last.
    """

    database_size: int = 0
    expected_dump: int = 0
    read: Mapping[str, int] = field(default_factory=dict)
    stored: Mapping[str, int] = field(default_factory=dict)
    verified: tuple[str, ...] = ()
    passed: Amount | None = None
    doing: str = ""
    steps: tuple[str, ...] = ()

    def after(self, event: Event) -> "BackupProgress":  # noqa: PLR0911 - one for each event
        """The progress once *event* has happened."""
        match event:
            case BackupStarted(_, database_size, expected_dump):
                return replace(
                    self, database_size=database_size, expected_dump=expected_dump, passed=None
                )
            case BytesPassed(done, total):
                return replace(self, passed=Amount(done, total))
            case LayersPulled(here, layers, done):
                return replace(self, passed=Amount(done, here=here, layers=layers))
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
                return replace(
                    self,
                    doing=words,
                    steps=steps,
                    stored={},
                    verified=(),
                    expected_dump=0,
                    passed=None,
                )
            case _:
                return self

    @property
    def words(self) -> str:
        """What is under way, in a few words."""
        if self.doing and not self.read:
            return self.doing
        if self.read:
            return f"storing {' and '.join(sorted(self.read))}"
        if self.passed:
            return "reading the backup"
        return "finishing" if self.stored else "looking at the stack"

    @property
    def amount(self) -> Amount | None:
        """Of what takes the time now: the step's bytes, or the dump; None where none are told."""
        if self.passed:
            return self.passed
        if POSTGRES in self.read:
            return Amount(self.read[POSTGRES], self.expected_dump, about=True)
        return None

    @property
    def share(self) -> float | None:
        """How much of that is done, never quite all of it; None if it is unknown."""
        if POSTGRES in self.stored and not self.passed:
            return _NEVER_QUITE
        amount = self.amount or Amount(0, self.expected_dump)
        return None if amount.share is None else min(amount.share, _NEVER_QUITE)
