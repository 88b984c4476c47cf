"""Whether a backup is pinned: the newest pin that a trusted key has signed says it."""

from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId
from bot.domain.errors import RefusedError
from bot.domain.found_set import FoundSet
from bot.domain.pins import Pin, encode_pin, judge_pin, next_pin, pin_file
from bot.domain.signature import public_key_of, sign

KEY, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32) for each in (0, 1))
ID = BackupId("20261123T033000Z-k3f9")


def judged(*written: tuple[str, bytes, Ed25519PrivateKey]) -> Pin:
    """With these documents, each under its name and signed."""
    small: dict[str, bytes] = {}
    for name, document, key in written:
        small |= {name: document, f"{name}.sig": sign(document, key)}
    sizes = {name: len(data) for name, data in small.items()}
    return judge_pin(FoundSet("authentik", ID, sizes, small), [public_key_of(KEY)])


def pin(
    number: int, *, pinned: bool = True, key: Ed25519PrivateKey = KEY
) -> tuple[str, bytes, Ed25519PrivateKey]:
    return pin_file(number), encode_pin("authentik", ID, number, pinned=pinned), key


@pytest.mark.parametrize(
    ("written", "verdict"),
    [
        pytest.param([], Pin.NONE, id="none"),
        pytest.param([pin(1)], Pin.PINNED, id="pinned"),
        pytest.param([pin(1), pin(2, pinned=False)], Pin.NONE, id="and no more"),
        pytest.param([pin(1), pin(2, pinned=False), pin(3)], Pin.PINNED, id="and again"),
        pytest.param([pin(2)], Pin.PINNED, id="the first is gone"),
        pytest.param([pin(1, key=STRANGER)], Pin.DOUBTFUL, id="a stranger's"),
        pytest.param(
            [pin(1), pin(2, pinned=False, key=STRANGER)], Pin.PINNED, id="a stranger unpins it"
        ),
        pytest.param(
            [pin(1), pin(2, pinned=False), pin(3, key=STRANGER)], Pin.DOUBTFUL, id="a stranger pins"
        ),
        pytest.param(
            [(pin_file(1), encode_pin("other", ID), KEY)], Pin.DOUBTFUL, id="another stack's"
        ),
        pytest.param(
            [pin(1), (pin_file(3), encode_pin("authentik", ID, 2, pinned=False), KEY)],
            Pin.PINNED,
            id="an old one under a new number",
        ),
    ],
)
def test_the_newest_pin_of_a_trusted_key_counts(
    written: Sequence[tuple[str, bytes, Ed25519PrivateKey]], verdict: Pin
) -> None:
    assert judged(*written) is verdict


def test_a_first_pin_cannot_say_that_it_is_none() -> None:
    assert encode_pin("authentik", ID) == encode_pin("authentik", ID, 1, pinned=False)
    assert b"pinned" not in encode_pin("authentik", ID)
    assert b'"pinned": true' in encode_pin("authentik", ID, 2)
    assert b'"stack": "authentik"' in encode_pin("authentik", ID, 2)


def test_a_signature_that_is_too_large_is_none() -> None:
    name, document, key = pin(1)
    small = {name: document, f"{name}.sig": sign(document, key).ljust(100_000)}

    found = FoundSet("authentik", ID, {name: len(document), f"{name}.sig": 9}, small)

    assert judge_pin(found, [public_key_of(KEY)]) is Pin.DOUBTFUL


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ([], 1),
        (["pin.json"], 2),
        (["pin.json.sig"], 2),
        (["pin.json", "pin-2.json", "pin-7.json.sig"], 8),
        (["manifest.json"], 1),
        (["pin-999999998.json"], 999_999_999),
    ],
)
def test_the_next_pin_has_a_number_that_nobody_used(names: Sequence[str], number: int) -> None:
    assert next_pin(names) == number


def test_where_the_numbers_are_used_up_it_is_refused() -> None:
    with pytest.raises(RefusedError, match="stands in the way of any other pin") as caught:
        next_pin(["pin-999999999.json"])

    assert "Delete it in the store" in caught.value.hint
