"""What the journal promises of incidents, shown on the fake and on the real one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.mute_file import MuteFile
from bot.adapters.state_folder import StateFolder
from bot.adapters.watched_file import WatchedFile
from bot.domain.errors import ConfigError
from bot.domain.incident import Incident, Trouble
from bot.domain.incident_history import PastIncident
from bot.domain.mute import Mute
from bot.services.watch_ports import IncidentLog, MuteMark, WatchedMark
from tests.services.test_watcher import FakeIncidentLog, FakeMute, FakeWatchedMark

NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
INCIDENT = Incident(
    root="postgresql",
    trouble=Trouble.OUT_OF_MEMORY,
    detail="exit code 137",
    image="postgres:16",
    began=NOW - timedelta(seconds=3),
    opened=NOW,
)


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(StateFolder(tmp_path / "state"))
    yield journal
    await journal.close()


@pytest.fixture(params=["fake", "sqlite"])
def log(request: pytest.FixtureRequest, journal: Journal) -> IncidentLog:
    return FakeIncidentLog() if request.param == "fake" else journal.incidents


async def test_an_incident_is_open_until_its_end_is_written(log: IncidentLog) -> None:
    grown = replace(INCIDENT, others=frozenset({"worker", "authentik"}), flaps=3, reminders=1)
    other = replace(INCIDENT, root="redis", opened=NOW + timedelta(seconds=1))

    await log.write(INCIDENT)
    await log.write(other)
    await log.write(grown)
    assert list(await log.open_ones()) == [grown, other]

    await log.write(grown, NOW + timedelta(minutes=1))
    assert list(await log.open_ones()) == [other]


async def test_the_same_root_may_have_another_one_later(log: IncidentLog) -> None:
    later = replace(INCIDENT, opened=NOW + timedelta(hours=1))
    await log.write(INCIDENT, NOW)
    await log.write(later)

    assert list(await log.open_ones()) == [later]


async def test_an_end_is_that_of_all_that_the_root_has_open(log: IncidentLog) -> None:
    later = replace(INCIDENT, opened=NOW + timedelta(hours=1))
    other = replace(INCIDENT, root="redis")
    for each in (INCIDENT, later, other):
        await log.write(each)

    await log.write(later, NOW + timedelta(hours=2))

    assert list(await log.open_ones()) == [other]


async def test_an_incident_that_was_renamed_is_the_same_one_by_both_names(
    log: IncidentLog,
) -> None:
    await log.write(INCIDENT)
    renamed = replace(INCIDENT, root="postgresql-1", opened_as="postgresql", flaps=1)
    await log.write(renamed)
    assert list(await log.open_ones()) == [renamed]

    await log.write(renamed, NOW)
    assert list(await log.open_ones()) == []
    assert list(await log.since(NOW - timedelta(hours=1))) == [PastIncident(renamed, NOW)]


async def test_what_lasted_at_a_moment_or_began_later_is_history(log: IncidentLog) -> None:
    ended = [replace(INCIDENT, opened=NOW + timedelta(hours=each)) for each in (0, 1, 2)]
    lasting = replace(INCIDENT, root="redis", opened=NOW + timedelta(minutes=90))
    for each in ended:
        await log.write(each, each.opened + timedelta(minutes=30))
    await log.write(lasting)

    assert list(await log.since(NOW + timedelta(minutes=30))) == [
        PastIncident(ended[1], ended[1].opened + timedelta(minutes=30)),
        PastIncident(lasting),
        PastIncident(ended[2], ended[2].opened + timedelta(minutes=30)),
    ]


async def test_what_ended_long_ago_is_forgotten_and_what_lasts_is_not(journal: Journal) -> None:
    later = replace(INCIDENT, opened=NOW + timedelta(hours=1))
    await journal.incidents.write(INCIDENT, NOW)
    await journal.incidents.write(later)

    await journal.jobs.compact(NOW + timedelta(days=1))

    assert list(await journal.incidents.open_ones()) == [later]


@pytest.fixture(params=["fake", "file"])
def mark(request: pytest.FixtureRequest, tmp_path: Path) -> MuteMark:
    return FakeMute() if request.param == "fake" else MuteFile(StateFolder(tmp_path / "state"))


async def test_a_mute_is_the_one_that_was_written_last(mark: MuteMark) -> None:
    first, second = (Mute(NOW, NOW + timedelta(hours=each)) for each in (2, 1))
    assert await mark.read() is None
    await mark.write(first)
    await mark.write(second)
    assert await mark.read() == second

    await mark.clear()
    await mark.clear()
    assert await mark.read() is None


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"seen": 1, "until": 2}', b"\xff"])
async def test_a_damaged_file_is_told_with_its_way_out(tmp_path: Path, content: bytes) -> None:
    folder = StateFolder(tmp_path)
    (tmp_path / "muted").write_bytes(content)

    with pytest.raises(ConfigError, match="damaged") as caught:
        await MuteFile(folder).read()
    assert "/mute" in caught.value.hint


@pytest.fixture(params=["fake", "file"])
def watched(request: pytest.FixtureRequest, tmp_path: Path) -> WatchedMark:
    if request.param == "fake":
        return FakeWatchedMark()
    return WatchedFile(StateFolder(tmp_path / "state"))


async def test_what_was_watched_is_what_was_written_last(watched: WatchedMark) -> None:
    assert await watched.read() == frozenset()
    await watched.write({"redis", "worker-1", "worker-2"})
    await watched.write(["worker", "redis"])
    assert await watched.read() == {"worker", "redis"}

    await watched.write(())
    assert await watched.read() == frozenset()


async def test_damaged_names_of_what_was_watched_are_told(tmp_path: Path) -> None:
    (tmp_path / "watched").write_bytes(b"redis\n\xff")

    with pytest.raises(ConfigError, match="damaged"):
        await WatchedFile(StateFolder(tmp_path)).read()
