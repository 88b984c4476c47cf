"""What is said of an update once it has ended, in sentences for the journal and the chat."""

from collections.abc import Sequence
from datetime import UTC, datetime

from bot.domain.durations import duration
from bot.domain.schema_change import RowsMoved, SchemaChange, is_short_of_rows
from bot.domain.update import UpdatePlan
from bot.domain.update_gate import Judgement

PAGE = 'See "Half-done renames" in RUNBOOK.md'
_ROWS_PAGE = '"A row that was deleted" in RUNBOOK.md'
_SERVES, _STARTED = " serves again", " was started again"


def called_off_words(plan: UpdatePlan, number: int) -> str:
    """Of a hop whose new version was never started."""
    return f"{_before(plan, number)}{_SERVES}; the database was not touched"


def put_back_words(  # noqa: PLR0913 - all that is known of it
    plan: UpdatePlan,
    number: int,
    change: SchemaChange | None,
    moved: RowsMoved,
    aside: str,
    *,
    until: datetime,
    copied: datetime | None = None,
) -> str:
    """Of a hop that was undone; *aside* is the name of the database that it has left.

    *until*: what is kept of it stays till then at least. *copied*: when that was copied which
    serves again, where more than a gate's time lies between. *change* is None where an earlier
    process has swapped them, and nobody has counted.
    """
    back = f"{_before(plan, number)}{_SERVES}"
    if not aside:
        how = change.words if change else "the database had not been touched"
        if is_short_of_rows(change, moved):  # by the new version or by people: nobody can tell
            return (
                f"{back} on the same database: {how}; but it has {moved} than when the update"
                f' began. As it was then it is kept as database "{plan.snapshot(number)}"'
                f" until {_moment(until)} at least; {_ROWS_PAGE} brings back what is missing"
            )
        return f"{back} on the same database, every row intact: {how}"
    why = f" ({change.words})" if change else ""
    since = f" {_moment(copied)}" if copied else ""
    counted = f" (counted: {moved}; rows that were changed are in no count)" if moved else ""
    return (
        f"{back} on the database as it was before{why}, every row intact that was there then; what"
        f" was written, changed or deleted since{since}{counted} is not in it: what the new version"
        f' left is kept as database "{aside}" until {_moment(until)} at least'
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def away_words(seconds: float | None) -> str:
    """What comes behind that a version serves again; *seconds* include its own watch at the gate.

    Nothing where nobody knows how long it was.
    """
    return f"; nobody could log in for up to {duration(seconds)}" if seconds else ""


def not_promoted_words(version: str, reason: str) -> str:
    """Of a version that the gate did not let pass, for *reason*."""
    return f"{version} did not hold: {reason}"


def blamed_words(version: str, judgement: Judgement) -> str:
    """Why *version* goes; of what lies around it that it can be tried again."""
    if not judgement.of_the_host:
        return judgement.reason
    return (
        f"{judgement.reason} (which says nothing of the version: once that is mended,"
        f" {version} can be tried again)"
    )


def evidence_words(folder: str) -> str:
    """Where that lies which is known of it."""
    return f"what the new containers said is in {folder}"


def not_held_words(told: str, reason: str) -> str:
    """What becomes of *told* where the version before does not hold either, for *reason*."""
    begun = told.replace(_SERVES, _STARTED, 1)
    return f"{begun}; but it does not hold: {reason}. {PAGE}"


def to_be_moved_words(left_behind: Sequence[str]) -> str:
    """What comes behind that a version serves, where outposts of the project are *left_behind*."""
    if not left_behind:
        return ""
    return f"; must be moved to it too: {', '.join(left_behind)}"


def stopped_on_the_way(plan: UpdatePlan, number: int) -> str:
    """Of an update that did not begin its hop *number*, which is not the first."""
    made, all_ = number - 1, len(plan.hops)
    return (
        f"{plan.hop(made).version} serves: {made} of {all_} steps were made,"
        f' and "akbot update {plan.target.version}" goes on from there'
    )


def _before(plan: UpdatePlan, number: int) -> str:
    return plan.version_before(number) or "The version before"


def joined(words: str, told: str) -> str:
    """Two sentences, or the first one where it says the second already."""
    if told in words:
        return words
    return f"{words}{'' if words.endswith('.') else '.'} {told[:1].upper()}{told[1:]}"
