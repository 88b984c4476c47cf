"""What is told of a question that does not count any more. Pure, like `texts`."""

NOBODY_WAITS = "This question is closed. Nothing was done."
PLAN_CHANGED = "The plan has changed since. Nothing was done."
CLOSED = "This question is closed."
TOO_LATE = "That is too late, the question has expired. Nothing was done."
CHOICE_STANDS = "These buttons stand for two minutes."
FOR_SOMEBODY_ELSE = "This question is for somebody else."


def answered_before(answer: str) -> str:
    """That somebody was faster, or pressed twice."""
    return f"This question has been answered: {answer}."


def word_too_late(word: str) -> str:
    """The answer to a word that was typed when the question had expired."""
    return f"{TOO_LATE} Ask anew: /{word}."
