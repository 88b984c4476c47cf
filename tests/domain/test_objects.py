import pytest

from bot.domain.errors import IntegrityError
from bot.domain.objects import is_object_key, key_parts, range_end


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a", True),
        ("stack/20261123T033000Z-k3f9/media.tar.zst.age", True),
        ("A_b-c.d/0", True),
        ("", False),
        ("a/", False),
        ("/a", False),
        ("a//b", False),
        ("..", False),
        ("a/../b", False),
        (".hidden", False),
        ("a\n", False),
        ("a b", False),
        ("a\u0301", False),
    ],
)
def test_names_of_objects(text: str, fits: bool) -> None:  # noqa: FBT001 - a table
    assert is_object_key(text) is fits


def test_a_key_has_parts() -> None:
    assert key_parts("a/b/c") == ["a", "b", "c"]
    with pytest.raises(ValueError, match=r"'\.\./a' cannot name an object"):
        key_parts("../a")


@pytest.mark.parametrize(
    ("start", "length", "end"),
    [(0, None, 10), (3, None, 10), (10, None, 10), (3, 4, 7), (10, 0, 10)],
)
def test_where_a_range_ends(start: int, length: int | None, end: int) -> None:
    assert range_end("k", 10, start=start, length=length) == end


@pytest.mark.parametrize(("start", "length"), [(11, None), (0, 11), (11, 0), (9, 2)])
def test_a_range_beyond_the_end_is_damage(start: int, length: int | None) -> None:
    words = 'read object "k": it has 10 bytes, 11 were expected'
    with pytest.raises(IntegrityError, match=words) as caught:
        range_end("k", 10, start=start, length=length)

    assert "Use another backup" in caught.value.hint
