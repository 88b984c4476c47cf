"""The small signed objects beside a backup, of which there may be many: which of them are read."""

from collections.abc import Callable, Mapping, Sequence

import pytest

from bot.domain import damage, pins
from bot.domain.damage import damage_to_read
from bot.domain.pins import pins_to_read

Read = Callable[[Mapping[str, int]], list[str]]
EACH = pytest.mark.parametrize(
    ("to_read", "name", "most"),
    [
        pytest.param(damage_to_read, "damage-1.json", damage._MOST_BYTES, id="damage"),
        pytest.param(pins_to_read, "pin.json", pins._MOST_BYTES, id="pins"),
    ],
)


@EACH
def test_an_object_and_its_signature_are_read(to_read: Read, name: str, most: int) -> None:
    assert to_read({name: 1, f"{name}.sig": 1, "manifest.json": most}) == [name, f"{name}.sig"]


@EACH
@pytest.mark.parametrize(("above", "read"), [(0, ["object"]), (1, [])])
def test_one_that_is_too_large_is_none_and_one_that_lacks_is_not_read(
    to_read: Read, name: str, most: int, above: int, read: Sequence[str]
) -> None:
    assert to_read({name: most + above}) == [name for _ in read]
