"""What a restore would refuse a component for, before anything was changed."""

from bot.domain.errors import UnsafeArchiveError
from bot.domain.restorable import refusal_of


def test_what_nobody_may_unpack_is_refused_in_the_same_words() -> None:
    error = UnsafeArchiveError("it leads out of its folder", hint="Take another backup.")
    error.add_note("media")

    refusal = refusal_of(error)

    assert (str(refusal), refusal.hint) == ("it leads out of its folder", "Take another backup.")
    assert refusal.__notes__ == ["media"]


def test_where_nothing_was_noted_nothing_is() -> None:
    assert not hasattr(refusal_of(UnsafeArchiveError("it leads out of its folder")), "__notes__")
