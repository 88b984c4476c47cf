"""Numbers of things in a sentence."""


def count_of(number: int, what: str) -> str:
    """So many of *what*, a word that takes an s for all but one."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
