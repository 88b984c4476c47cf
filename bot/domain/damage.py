"""Damage that was found, remembered in small signed objects beside the backup.

Objects are written once, so what is found whole again gets a further one, numbered from 1; the one
with the highest number that a trusted key signed holds. What nobody trusted has signed says
nothing: whoever can write to the store can spoil a backup, but not have a good one passed over.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from enum import IntEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ValidationError

from bot.domain.backup_id import BackupId
from bot.domain.errors import RefusedError, UntrustedError
from bot.domain.found_set import FoundSet
from bot.domain.signature import MAX_SIGNATURE_BYTES, PublicKey, verify

_NAME = re.compile(r"damage-(?P<number>[1-9][0-9]{0,8})\.json(?P<signature>\.sig)?")
_SIGNATURE = ".sig"
_HIGHEST = 999_999_999
_MOST_READ = 8  # the newest; whoever fills the store with more does not make us read them
_MOST_BYTES = 4096
_LONGEST_REASON = 300


class Depth(IntEnum):
    """How far somebody looks; each sees all that the one before it does."""

    STORED = 0
    OPENED = 1
    DEEP = 2
    DRILLED = 3


_LOOKS = {Depth.DEEP: "verify --deep", Depth.DRILLED: "a drill"}


@dataclass(frozen=True)
class Damage:
    """What was found; only a look that is at least as deep can find it gone."""

    reason: str
    depth: Depth
    at: AwareDatetime

    @property
    def words(self) -> str:
        """For the list of backups."""
        by = _LOOKS.get(self.depth, "verify")
        when = f"{self.at.astimezone(UTC):%Y-%m-%d}"
        return f"{self.reason} (found by {by} on {when})"


class _Document(BaseModel, extra="forbid", frozen=True):
    format: Literal["akbot-damage-1"]
    stack: str
    id: str
    number: int
    reason: str
    depth: Depth
    at: AwareDatetime


def damage_file(number: int) -> str:
    """The name of the *number*-th of these objects beside a backup."""
    return f"damage-{number}.json"


def encode_damage(stack: str, backup_id: BackupId, number: int, found: Damage) -> bytes:
    """The document that is signed; an empty reason says that the backup is whole again."""
    document = _Document(
        format="akbot-damage-1",
        stack=stack,
        id=backup_id,
        number=number,
        reason=found.reason[:_LONGEST_REASON],
        depth=found.depth,
        at=found.at,
    )
    return json.dumps(document.model_dump(mode="json")).encode() + b"\n"


def damage_to_read(sizes: Mapping[str, int]) -> list[str]:
    """The files of a set that must be read to know whether it was found damaged."""
    names = [damage_file(number) for number in _newest_first(sizes)[:_MOST_READ]]
    wanted = [each for name in names for each in (name, name + _SIGNATURE)]
    return [name for name in wanted if sizes.get(name, _MOST_BYTES + 1) <= _MOST_BYTES]


def judge_damage(found: FoundSet, trusted: Collection[PublicKey]) -> Damage | None:
    """What whoever looked last and remembered anything found, None where the set was whole."""
    for number in _newest_first(found.sizes)[:_MOST_READ]:
        said = _said(found, number, trusted)
        if said is not None:
            return said if said.reason else None
    return None


def next_damage(names: Iterable[str]) -> int:
    """The number of the next one, also where an earlier one was only half written.

    Raises:
        RefusedError: somebody has used up the numbers.
    """
    number = max((_number(name) or 0 for name in names), default=0) + 1
    if number > _HIGHEST:
        raise RefusedError(
            f'the object "{damage_file(_HIGHEST)}" stands in the way of any other note',
            hint="Delete it in the store: akbot has not written it.",
        )
    return number


def _said(found: FoundSet, number: int, trusted: Collection[PublicKey]) -> Damage | None:
    """What a trusted key has said in this one, None if none did."""
    name = damage_file(number)
    data, signature = found.small.get(name), found.small.get(name + _SIGNATURE)
    if data is None or signature is None or len(signature) > MAX_SIGNATURE_BYTES:
        return None
    try:
        verify(data, signature, trusted)
        document = _Document.model_validate_json(data)
    except (UntrustedError, ValidationError):
        return None
    if (document.stack, document.id, document.number) != (found.stack, found.id, number):
        return None
    return Damage(document.reason, document.depth, document.at)


def _newest_first(sizes: Mapping[str, int]) -> list[int]:
    documents = (name for name in sizes if not name.endswith(_SIGNATURE))
    return sorted({number for name in documents if (number := _number(name))}, reverse=True)


def _number(name: str) -> int | None:
    match = _NAME.fullmatch(name)
    return int(match["number"]) if match else None
