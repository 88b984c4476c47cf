"""What the tests of the chat rely on: a call of ours that blocks the event loop is an error."""

from pathlib import Path

import pytest
from blockbuster import BlockingError

from bot.adapters.keyfiles import read_identities


async def test_a_blocking_call_in_the_loop_does_not_pass(tmp_path: Path) -> None:
    file = tmp_path / "identity.txt"
    file.write_text("# none\n")

    with pytest.raises(BlockingError):
        read_identities(file, "AKBOT_IDENTITY")
