"""Pins: small signed objects beside a backup that keep it whatever its age.

Objects are written once, so pinning and unpinning each write a further one, numbered from 1; the
one with the highest number that a trusted key signed holds. One that nobody trusted has signed
never lets a backup go: as long as it is newer than what a trusted key said, the backup stays.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from enum import Enum

from bot.domain.backup_id import BackupId
from bot.domain.errors import RefusedError, UntrustedError
from bot.domain.found_set import FoundSet
from bot.domain.signature import MAX_SIGNATURE_BYTES, PublicKey, verify

_FORMAT = "akbot-pin-1"
_NAME = re.compile(r"pin(?:-(?P<number>[1-9][0-9]{0,8}))?\.json(?P<signature>\.sig)?")
_SIGNATURE = ".sig"
_HIGHEST = 999_999_999
_MOST_READ = 8  # the newest; whoever fills the store with more does not make us read them
_MOST_BYTES = 1024


class Pin(Enum):
    """Whether a backup is pinned; DOUBTFUL: somebody who is not trusted here says so."""

    NONE = "none"
    PINNED = "pinned"
    DOUBTFUL = "doubtful"


def pin_file(number: int) -> str:
    """The name of the *number*-th pin of a backup."""
    return "pin.json" if number == 1 else f"pin-{number}.json"


def encode_pin(stack: str, backup_id: BackupId, number: int = 1, *, pinned: bool = True) -> bytes:
    """The document that is signed; its number is part of it, so that no old one can come back."""
    document: dict[str, object] = {"format": _FORMAT, "stack": stack, "id": backup_id}
    if number > 1:
        document |= {"number": number, "pinned": pinned}
    return json.dumps(document).encode() + b"\n"


def pins_to_read(sizes: Mapping[str, int]) -> list[str]:
    """The files of a set that must be read to know whether it is pinned."""
    names = [pin_file(number) for number in _newest_first(sizes)[:_MOST_READ]]
    wanted = [each for name in names for each in (name, name + _SIGNATURE)]
    return [name for name in wanted if sizes.get(name, _MOST_BYTES + 1) <= _MOST_BYTES]


def judge_pin(found: FoundSet, trusted: Collection[PublicKey]) -> Pin:
    """What the pins of a set say."""
    unsaid = Pin.NONE
    for number in _newest_first(found.sizes)[:_MOST_READ]:
        said = _said(found, number, trusted)
        if said is not None:
            return Pin.PINNED if said else unsaid
        unsaid = Pin.DOUBTFUL
    return unsaid


def next_pin(names: Iterable[str]) -> int:
    """The number of the next pin, also where an earlier one was only half written.

    Raises:
        RefusedError: somebody has used up the numbers.
    """
    number = max((_number(name) or 0 for name in names), default=0) + 1
    if number > _HIGHEST:
        raise RefusedError(
            f'the object "{pin_file(_HIGHEST)}" stands in the way of any other pin',
            hint="Delete it in the store: akbot has not written it.",
        )
    return number


def _said(found: FoundSet, number: int, trusted: Collection[PublicKey]) -> bool | None:
    """What a trusted key has said in this pin, None if none did."""
    name = pin_file(number)
    document, signature = found.small.get(name), found.small.get(name + _SIGNATURE)
    if document is None or signature is None or len(signature) > MAX_SIGNATURE_BYTES:
        return None
    choices = (True,) if number == 1 else (True, False)
    for pinned in choices:
        if document == encode_pin(found.stack, found.id, number, pinned=pinned):
            try:
                verify(document, signature, trusted)
            except UntrustedError:
                return None
            return pinned
    return None


def _newest_first(sizes: Mapping[str, int]) -> list[int]:
    documents = (name for name in sizes if not name.endswith(_SIGNATURE))
    return sorted({number for name in documents if (number := _number(name))}, reverse=True)


def _number(name: str) -> int | None:
    match = _NAME.fullmatch(name)
    return int(match["number"] or 1) if match else None
