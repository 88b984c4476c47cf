"""The journal: all that must survive a kill, in one file of the state folder."""

from bot.adapters.journal_chat import SqliteInbox, SqliteOutbox
from bot.adapters.journal_cures import SqliteCureLog
from bot.adapters.journal_database import PATIENCE_SECONDS, JournalDatabase
from bot.adapters.journal_incidents import SqliteIncidentLog
from bot.adapters.journal_jobs import SqliteJobJournal
from bot.adapters.journal_moves import SqliteMoves
from bot.adapters.journal_orders import SqliteOrderLog
from bot.adapters.journal_questions import SqliteQuestions
from bot.adapters.journal_releases import SqliteReleaseLog
from bot.adapters.state_folder import StateFolder


class Journal:
    """Its parts, each a port, on one connection that the first use opens."""

    def __init__(self, folder: StateFolder, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._database = JournalDatabase(folder, patience_seconds=patience_seconds)
        self.jobs = SqliteJobJournal(self._database)
        self.outbox = SqliteOutbox(self._database)
        self.questions = SqliteQuestions(self._database)
        self.moves = SqliteMoves(self._database)
        self.orders = SqliteOrderLog(self._database)
        self.incidents = SqliteIncidentLog(self._database)
        self.cures = SqliteCureLog(self._database)
        self.releases = SqliteReleaseLog(self._database)

    def inbox(self, bot: str) -> SqliteInbox:
        """The inbox of the bot called *bot*: another token may be another bot."""
        return SqliteInbox(self._database, bot)

    async def probe(self) -> None:
        """Write to the disk, and change nothing. Raises PortError where that cannot be."""
        await self._database.probe()

    async def close(self) -> None:
        await self._database.close()
