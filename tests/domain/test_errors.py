import pytest

from bot.domain.errors import BotError, PortError, UnfitError


@pytest.mark.parametrize(
    ("message", "hint", "full"),
    [
        ('read "a": not found', "", 'read "a": not found'),
        ('read "a": not found', "Look.", 'read "a": not found. Look.'),
        ("was it copied whole?", "Copy it.", "was it copied whole? Copy it."),
        ("Docker says no.", "Ask it.", "Docker says no. Ask it."),
    ],
)
def test_message_and_hint_are_two_sentences(message: str, hint: str, full: str) -> None:
    assert BotError(message, hint=hint).in_full() == full


def test_what_an_error_says_of_itself() -> None:
    assert PortError("x", hint="Look.").hint == "Look."
    assert not PortError("x").retryable
    assert PortError("x", retryable=True).retryable
    assert UnfitError("x").hint == ""
    assert not UnfitError("x").by_compose
