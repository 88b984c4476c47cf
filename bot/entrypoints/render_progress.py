"""How much of something has been done, in words; as far as that is known."""

from bot.domain.durations import duration
from bot.domain.progress import Amount
from bot.entrypoints.render import size


def amount_words(amount: Amount, seconds: float) -> str:
    """How much of it, how fast, and about when it is done at that pace."""
    words = size(amount.done)
    if amount.layers:
        layers = f"{amount.here} of {amount.layers} layers"
        words = f"{layers}, {words}" if amount.done else layers
    if amount.total:
        words += f" of {'about ' if amount.about else ''}{size(amount.total)}"
    rate = amount.done / seconds if seconds >= 1 else 0
    if not rate:
        return words
    words += f", {size(rate)}/s"
    left = max(amount.total - amount.done, 0)
    return f"{words}, about {duration(left / rate)} left" if left else words
