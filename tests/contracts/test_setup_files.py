"""What a set-up writes: the fake and the files on a disk keep the same promises."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.adapters.setup_files import SetupFilesOnDisk
from bot.domain.errors import ConfigError
from bot.domain.kit import Kit
from bot.services.setup_ports import SetupFiles
from bot.settings_source import values_in
from tests.contracts.state_places import NOW
from tests.fakes_setup import FakeSetupFiles

KIT = Kit(
    stack="authentik",
    stores=(),
    recipients=(),
    signers=("ed25519:x",),  # type: ignore[arg-type]
    identity_path="",
    database_service="postgresql",
    printed=NOW,
    version="1",
)


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("stack", "deploy", "state"):
        (tmp_path / name).mkdir()
    return tmp_path


@pytest.fixture
def disk(folder: Path) -> SetupFilesOnDisk:
    return SetupFilesOnDisk(
        folder / "stack/akbot.env",
        folder / "deploy/.env",
        folder / "state",
        values_in,
        lambda _: "a sheet\n",
    )


@pytest.fixture(params=["fake", "disk"])
def files(request: pytest.FixtureRequest, disk: SetupFilesOnDisk) -> SetupFiles:
    return FakeSetupFiles() if request.param == "fake" else disk


async def test_at_first_there_is_nothing(files: SetupFiles) -> None:
    assert (await files.settings(), await files.place()) == ({}, {})
    assert not await files.is_private()
    assert await files.changed_at() is None
    assert await files.take_back() == []
    assert await files.remove_keys() == []
    await files.remove_sheet()


async def test_what_was_written_is_read_and_the_rest_stays(files: SetupFiles) -> None:
    await files.write_settings({"AKBOT_STORE": "s3://b c", "AKBOT_TIMEZONE": "UTC"})
    first = await files.changed_at()
    await files.write_settings({"AKBOT_STORE": "s3://other"})
    await files.write_place({"AKBOT_NETWORK": "x_default"})

    assert await files.settings() == {"AKBOT_STORE": "s3://other", "AKBOT_TIMEZONE": "UTC"}
    assert await files.place() == {"AKBOT_NETWORK": "x_default"}
    assert await files.is_private()
    assert first
    assert (await files.changed_at() or first) > first


async def test_nothing_written_is_a_file_all_the_same(files: SetupFiles) -> None:
    await files.write_settings({})

    assert await files.is_private()


async def test_what_was_there_before_comes_back_once(files: SetupFiles) -> None:
    await files.write_settings({"AKBOT_STORE": "s3://b"})
    await files.write_place({"AKBOT_NETWORK": "x_default"})
    await files.write_settings({"AKBOT_STORE": "s3://c"})

    assert len(await files.take_back()) == 2

    assert (await files.settings(), await files.place()) == ({}, {})
    assert not await files.is_private()
    assert await files.take_back() == []


async def test_a_file_of_a_persons_own_keeps_its_text_and_gets_it_back(
    disk: SetupFilesOnDisk,
) -> None:
    text = b"# mine\nAKBOT_TIMEZONE=UTC\nAKBOT_STORE=s3://old\n"
    disk.settings_file.write_bytes(text)
    disk.settings_file.chmod(0o644)
    assert not await disk.is_private()

    await disk.write_settings({"AKBOT_STORE": "s3://new"})

    assert disk.settings_file.read_bytes() == (
        b"# mine\nAKBOT_TIMEZONE=UTC\nAKBOT_STORE=s3://new\n"
    )
    assert disk.settings_file.stat().st_mode & 0o777 == 0o600
    await disk.take_back()
    assert disk.settings_file.read_bytes() == text
    assert names_in(disk.state) == []


async def test_a_change_of_the_mode_alone_leaves_the_text(disk: SetupFilesOnDisk) -> None:
    text = b"AKBOT_STORE='s3://b'\n"
    disk.settings_file.write_bytes(text)

    await disk.write_settings({"AKBOT_STORE": "s3://b"})

    assert disk.settings_file.read_bytes() == text
    assert await disk.is_private()


async def test_every_file_is_its_folders_owners_and_nobody_elses(disk: SetupFilesOnDisk) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    folder = disk.settings_file.parent
    os.chown(folder, 1026, 100)

    await disk.write_settings({})
    sheet = Path(await disk.write_sheet(KIT))

    for path in (disk.settings_file, sheet):
        status = path.stat()
        assert (status.st_uid, status.st_gid, status.st_mode & 0o777) == (1026, 100, 0o600)
    assert names_in(folder) == ["akbot-kit.txt", "akbot.env"]


async def test_the_sheet_lies_where_the_stack_is_until_it_is_removed(
    disk: SetupFilesOnDisk,
) -> None:
    folder = disk.settings_file.parent

    assert await disk.write_sheet(KIT) == str(folder / "akbot-kit.txt")

    assert names_in(folder) == ["akbot-kit.txt"]
    await disk.remove_sheet()
    assert names_in(folder) == []


async def test_keys_go_only_by_that_word(disk: SetupFilesOnDisk) -> None:
    for name in ("identity.txt", "signing.key"):
        (disk.state / name).write_text("x")
    await disk.write_settings({})
    await disk.take_back()
    assert names_in(disk.state) == ["identity.txt", "signing.key"]

    assert len(await disk.remove_keys()) == 2

    assert names_in(disk.state) == []


async def test_a_folder_that_is_gone_is_told(folder: Path, disk: SetupFilesOnDisk) -> None:
    (folder / "stack").rmdir()

    with pytest.raises(ConfigError, match=r'akbot\.env": No such file'):
        await disk.write_settings({"AKBOT_STORE": "s3://b"})


async def test_when_it_changed_is_the_files_own_time(disk: SetupFilesOnDisk) -> None:
    await disk.write_settings({})
    os.utime(disk.settings_file, (1000, 1000))

    assert await disk.changed_at() == datetime.fromtimestamp(1000, UTC)
