"""`akbot update --preflight` over fakes: it looks at stack and store, and changes nothing."""

from dataclasses import dataclass, field, replace

import pytest

from bot.domain.errors import ConfigError, RefusedError
from bot.domain.findings import Level, worst
from bot.domain.preflight_facts import StackState
from bot.domain.stack import Stack
from bot.services.preflight import Preflight
from bot.services.stores import Place, Stores
from tests.domain.test_preflight import DATABASE, stack
from tests.fakes import FakeStore
from tests.fakes_stack import FakeClock
from tests.services.test_update_check import World


@dataclass
class FakeLook:
    """A PreflightLook that sees `state`."""

    state: StackState = field(default_factory=stack)

    async def look(self, stack: Stack) -> StackState:
        if not stack.postgresql.running:
            raise RefusedError("PostgreSQL does not run")
        return self.state


@pytest.fixture
def world() -> World:
    return World()


def preflight(world: World, look: FakeLook, store: FakeStore) -> Preflight:
    clock = FakeClock(suffixes=["k3f9abcd"])
    return Preflight(world.service(), look, world.engine, Stores((Place("first", store),)), clock)


async def test_a_stack_and_a_store_that_are_well(world: World) -> None:
    store = FakeStore()

    findings = await preflight(world, FakeLook(), store).run("2025.2.4")

    assert worst(findings) is not Level.FAILURE
    assert {"server", "version", "image", "disk of the database", "store"} <= {
        each.subject for each in findings
    }
    assert not store.objects


async def test_a_store_that_takes_nothing_blocks(world: World) -> None:
    findings = await preflight(world, FakeLook(), FakeStore(fail_put_at=1)).run("2025.2.4")

    assert [each.subject for each in findings if each.level is Level.FAILURE] == ["store"]


async def test_what_was_seen_of_the_database_blocks(world: World) -> None:
    look = FakeLook(stack(database=replace(DATABASE, migrating=1)))

    findings = await preflight(world, look, FakeStore()).run("2025.2.4")

    assert [each.subject for each in findings if each.level is Level.FAILURE] == ["migrations"]


async def test_memory_for_a_rehearsal_blocks_only_where_there_shall_be_one(world: World) -> None:
    look = FakeLook(stack(memory=0))

    findings = await preflight(world, look, FakeStore()).run("2025.2.4")
    without = await preflight(world, look, FakeStore()).run("2025.2.4", rehearse=False)

    blocking = [each.subject for each in findings if each.level is Level.FAILURE]
    assert blocking == ["memory for the rehearsal"]
    assert worst(without) is not Level.FAILURE


async def test_before_anything_is_looked_at_the_target_must_be_one(world: World) -> None:
    store = FakeStore()
    with pytest.raises(ConfigError, match="that tag moves"):
        await preflight(world, FakeLook(), store).run("latest")
    with pytest.raises(RefusedError, match="is older than"):
        await preflight(world, FakeLook(), store).run("2024.12.5")

    assert not store.calls
