from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """The real one."""
    journal = Journal(StateFolder(tmp_path / "state"))
    yield journal
    await journal.close()
