"""What a store wrote after it had been given up is found and removed."""

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.domain.errors import PortError
from bot.domain.jobs import JobState
from bot.services.late_answers import LATEST_ANSWER
from tests.fakes import FakeStore
from tests.services.world import World


@dataclass
class SlowStore(FakeStore):
    """It shows an upload only after it was told to delete all that it had listed."""

    late: str = ""

    async def delete(self, *keys: str) -> None:
        await super().delete(*keys)
        if self.late:
            self.objects[self.late], self.late = b"x", ""


async def failed_backup(world: World) -> str:
    """The folder of a backup that did not end well."""
    world.engine.postgres.fail_dump_at = 10
    with pytest.raises(PortError):
        await world.run()
    [job] = await world.journal.jobs(1)
    assert job.state is JobState.FAILED
    assert job.swept
    return f"authentik/{job.id}/"


async def test_what_comes_while_the_job_is_settled_is_removed_with_it() -> None:
    store = SlowStore(late="authentik/20261123T033000Z-k3f9/media.tar.zst.age")
    world = World(store=store)

    prefix = await failed_backup(world)

    assert prefix == "authentik/20261123T033000Z-k3f9/"
    assert store.late == ""
    assert not store.objects


async def test_what_comes_later_is_removed_by_the_next_start() -> None:
    world = World()
    late = await failed_backup(world) + "media.tar.zst.age"
    world.store.objects[late] = b"x"

    await world.jobs.recover()
    assert late in world.store.objects  # more of it may still be on its way
    world.clock.at += LATEST_ANSWER
    await world.jobs.recover()

    assert not world.store.objects
    world.store.calls.clear()
    await world.jobs.recover()
    assert not world.store.calls  # once is enough


async def test_a_store_that_is_away_is_asked_again_by_the_next_process() -> None:
    world = World()
    late = await failed_backup(world) + "media.tar.zst.age"
    world.store.objects[late] = b"x"
    world.clock.at += LATEST_ANSWER
    away = World(store=Away(), journal=world.journal, clock=world.clock, keyring=world.keyring)

    await away.jobs.recover()
    await world.jobs.recover()

    assert not world.store.objects


class Away(FakeStore):
    async def unfinished(self, prefix: str = "") -> list[str]:
        raise PortError(f"no answer about {prefix}")

    def list(self, prefix: str = "") -> "Away":  # type: ignore[override]
        raise PortError(f"no answer about {prefix}")


async def test_what_became_a_backup_stays() -> None:
    world = World()
    manifest = await world.run()
    before = dict(world.store.objects)
    world.clock.at += timedelta(hours=1)

    await world.jobs.recover()

    assert world.store.objects == before
    assert (await world.records())[0].id == manifest.id
