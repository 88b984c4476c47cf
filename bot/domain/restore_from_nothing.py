"""A restore where PostgreSQL runs and Authentik's database is not in it any more.

Then nothing is renamed away, nothing can be backed up first, and there is nothing to go back to.
"""

from bot.domain.errors import RefusedError
from bot.domain.restore import UNTOUCHED, RestorePlan

NO_WAY_BACK = "there was no database before it, so it cannot be taken back"


def require_to_back_up(database: str, *, is_there: bool, wanted: bool, what: str) -> None:
    """Refuse a safety backup of a *database* that is gone; *what* is to be restored.

    Raises:
        RefusedError: it says which command does it without.
    """
    if wanted and not is_there:
        raise RefusedError(
            f'the database "{database}" is not there, so the state before cannot be backed up',
            hint=f'{UNTOUCHED} "akbot restore {what} --no-safety-backup" restores without that,'
            " and makes the database anew.",
        )


def require_way_back(done: RestorePlan) -> None:
    """Raises RefusedError where the restore *done* has found no database."""
    if done.from_nothing:
        raise RefusedError(
            f"the restore {done.job} cannot be taken back: there was no database before it",
            hint="Nothing was changed. Restore a backup instead.",
        )
