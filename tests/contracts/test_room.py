"""Room that is not there, on real small file systems: the preflight refuses what does not fit."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.disk import HostDisk
from bot.adapters.disk_told import disk_among
from bot.adapters.postgres import Login
from bot.adapters.preflight import database_state
from bot.domain.findings import Finding, Level
from bot.domain.preflight import judge_preflight
from bot.domain.preflight_facts import StackState
from bot.domain.update_outlook import Outlook
from tests.contracts.small_disks import MIB, disk_of
from tests.contracts.stacks import engine_api, postgres_server
from tests.domain.test_preflight import outlook, stack

FILL = "SELECT repeat(md5(n::text), 30) AS text FROM generate_series(1, 80000) AS n"


def way(image_size: int) -> Outlook:
    """One hop, to an image of so many bytes."""
    plain = outlook("2025.2.1", "2025.2.4")
    return replace(plain, hops=tuple(replace(each, size=image_size) for each in plain.hops))


def judged(subject: str, state: StackState, outlook: Outlook) -> Finding:
    [found] = [each for each in judge_preflight(state, outlook) if each.subject == subject]
    return found


async def test_an_image_that_does_not_fit(tmp_path: Path) -> None:
    with disk_of(64, tmp_path / "disk") as disk:
        usage = await HostDisk().usage(str(disk / "not" / "made" / "yet"))

        assert usage is not None
        assert 60 * MIB < usage.free <= usage.total == 64 * MIB
        state = stack(image_disk=disk_among(None, usage))
        assert judged("disk of the images", state, way(50 * MIB)).level is Level.FAILURE
        assert judged("disk of the images", state, way(5 * MIB)).level is Level.OK
        (disk / "filler").write_bytes(bytes(56 * MIB))
        usage = await HostDisk().usage(str(disk))
        assert usage is not None
        less = stack(image_disk=disk_among(None, usage))
        assert judged("disk of the images", less, way(5 * MIB)).level is Level.FAILURE


@pytest.mark.docker
async def test_a_copy_of_the_database_that_does_not_fit() -> None:
    with postgres_server(17, size="160m") as server:
        name = server.new_database(f"CREATE UNLOGGED TABLE filling AS {FILL}")
        login = Login("postgres", name)
        async with engine_api() as api:
            full = await database_state(api, server.clients, login)
            server.psql("DROP TABLE filling", name)
            less = await database_state(api, server.clients, login)

    assert full.room is not None
    assert full.room.data.free < full.size
    level = judged("disk of the database", stack(database=full), way(MIB)).level
    assert level is Level.FAILURE
    assert judged("disk of the database", stack(database=less), way(MIB)).level is Level.OK
