"""What removed containers said last, read back for whoever asks why."""

from pathlib import Path

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.evidence import FOLDER, LogFolder
from bot.domain.backup_id import BackupId
from bot.domain.errors import PortError

JOB = BackupId("20261124T120000Z-k3f9")


@pytest.fixture
def log(tmp_path: Path) -> LogFolder:
    return LogFolder(EngineApi("unix:///nowhere.sock"), tmp_path)


async def test_the_files_of_one_job_are_read_and_no_others(log: LogFolder) -> None:
    folder = log.state / FOLDER
    folder.mkdir()
    (folder / f"{JOB}-worker.log").write_text("it burns\n")
    (folder / f"{JOB}-authentik.log").write_bytes(b"Zo\xc3\xab \xff\n")
    (folder / "20261124T120000Z-aaaa-worker.log").write_text("another")

    assert await log.read(JOB) == "--- authentik\nZoë \ufffd\n\n--- worker\nit burns\n"


async def test_where_nothing_was_kept_there_is_nothing(log: LogFolder) -> None:
    assert await log.read(JOB) == ""


async def test_what_cannot_be_read_is_said(log: LogFolder) -> None:
    (log.state / FOLDER / f"{JOB}-worker.log").mkdir(parents=True)

    with pytest.raises(PortError, match=f"read what the containers of {JOB} said: Is a directory"):
        await log.read(JOB)
