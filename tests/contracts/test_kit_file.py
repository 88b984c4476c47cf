"""What is remembered of the kit: the fake and the file keep the same promises."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from bot.adapters.kit_file import KIT_FILE, KitFile
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import ConfigError
from bot.domain.kit_record import Confirmation, KitRecord, Verifier
from bot.services.ports import KitLog
from tests.contracts.state_places import NOW
from tests.fakes import FakeKitLog

VERIFIER = Verifier(("SHA256:a",), "salt", "00")
CONFIRMED = Confirmation(NOW, ("SHA256:a",))


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "some" / "state"


@pytest.fixture(params=["fake", "file"])
def log(request: pytest.FixtureRequest, state: Path) -> KitLog:
    return FakeKitLog() if request.param == "fake" else KitFile(StateFolder(state))


async def test_at_first_nothing_is_known(log: KitLog) -> None:
    assert await log.read() == KitRecord()


async def test_what_was_written_is_read(log: KitLog) -> None:
    await log.update(lambda record: record.adding([VERIFIER]))
    await log.update(lambda record: record.confirming(CONFIRMED))

    assert await log.read() == KitRecord((VERIFIER,), CONFIRMED)


async def test_a_change_that_fails_leaves_what_was_there(log: KitLog) -> None:
    await log.update(lambda record: record.adding([VERIFIER]))

    def fail(_: KitRecord) -> KitRecord:
        raise ConfigError("no")

    with pytest.raises(ConfigError, match="no"):
        await log.update(fail)
    assert await log.read() == KitRecord((VERIFIER,))


async def test_changes_at_once_are_all_kept(log: KitLog) -> None:
    verifiers = [Verifier((f"SHA256:{number}",), "salt", "00") for number in range(8)]

    async with asyncio.TaskGroup() as group:
        for each in verifiers:
            group.create_task(log.update(partial(KitRecord.adding, added=[each])))

    assert set((await log.read()).verifiers) == set(verifiers)


def test_reading_makes_no_folder(state: Path) -> None:
    asyncio.run(KitFile(StateFolder(state)).read())

    assert not state.exists()


def test_the_file_is_its_owner_s_alone_and_no_draft_is_left(state: Path) -> None:
    log = KitFile(StateFolder(state))
    asyncio.run(log.update(partial(KitRecord.adding, added=[VERIFIER])))

    assert [path.name for path in state.iterdir()] == [KIT_FILE]
    assert (state / KIT_FILE).stat().st_mode & 0o777 == 0o600


def test_a_damaged_file_is_told_and_left(state: Path) -> None:
    state.mkdir(parents=True)
    (state / KIT_FILE).write_text("{")

    with pytest.raises(ConfigError, match="is damaged") as caught:
        asyncio.run(KitFile(StateFolder(state)).update(lambda record: record))

    assert caught.value.hint == "Remove it, and confirm the kit once more."
    assert (state / KIT_FILE).read_text() == "{"


def test_a_folder_that_cannot_be_used_is_a_setting_s_mistake(state: Path) -> None:
    state.parent.mkdir()
    state.write_text("a file")

    with pytest.raises(ConfigError, match="is not a folder"):
        asyncio.run(KitFile(StateFolder(state)).update(lambda record: record))
    with pytest.raises(ConfigError, match="is not a folder"):
        asyncio.run(KitFile(StateFolder(state)).read())
