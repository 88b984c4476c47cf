"""`akbot update --preflight` over fakes: it looks at stack and store, and changes nothing."""

from dataclasses import dataclass, field, replace

import pytest

from bot.domain.drift import Drift
from bot.domain.errors import ConfigError, PortError, RefusedError
from bot.domain.findings import Level, worst
from bot.domain.preflight_facts import StackState
from bot.domain.stack import Stack
from bot.domain.versions import Family
from bot.services.compose_ports import Planned
from bot.services.preflight import Preflight
from bot.services.stores import Place, Stores
from tests.domain.test_preflight import DATABASE, stack
from tests.fakes import FakeStore
from tests.fakes_compose import FakeComposeDrift, FakeComposeFiles
from tests.fakes_stack import FakeClock
from tests.services.test_update_check import World


@dataclass
class FakeLook:
    """A PreflightLook that sees `state`."""

    state: StackState = field(default_factory=stack)

    async def look(self, stack: Stack) -> StackState:
        if not stack.may_be_asked:
            raise RefusedError("PostgreSQL does not run")
        return self.state


@pytest.fixture
def world() -> World:
    return World()


def preflight(
    world: World,
    look: FakeLook,
    store: FakeStore,
    files: FakeComposeFiles | None = None,
    drift: FakeComposeDrift | None = None,
) -> Preflight:
    clock = FakeClock(suffixes=["k3f9abcd"])
    return Preflight(
        world.service(),
        look,
        world.engine,
        Stores((Place("first", store),)),
        clock,
        files or FakeComposeFiles(),
        drift or FakeComposeDrift(),
    )


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
    ahead = await preflight(world, look, FakeStore()).look_ahead("2025.2.4", rehearse=False)
    without = ahead.findings

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


async def test_outposts_are_held_against_the_version_that_is_wanted(world: World) -> None:
    compose = FakeComposeDrift(images={"proxy": "g/proxy:", "ldap": "g/ldap:2025.2.1"})

    ahead = await preflight(world, FakeLook(), FakeStore(), drift=compose).look_ahead("2025.2.4")

    assert ahead.left_behind == ("ldap",)
    assert [each.message[:6] for each in ahead.findings if each.subject == "outposts"] == ['"ldap"']


WAY = (Family(2025, 2), Family(2025, 2))


@pytest.mark.parametrize(
    ("files", "drift", "expected"),
    [
        pytest.param(
            FakeComposeFiles(),
            FakeComposeDrift((Drift("worker", "w", ("image",)),)),
            "the file was edited since w was created: image",
            id="drift",
        ),
        pytest.param(
            FakeComposeFiles(),
            FakeComposeDrift(fail=PortError("docker compose config: no such file")),
            "cannot be told: docker compose config: no such file",
            id="Compose does not answer",
        ),
        pytest.param(
            FakeComposeFiles({WAY: RefusedError("it is not changed", hint="By hand.")}),
            FakeComposeDrift(),
            "it is not changed",
            id="a change that is refused",
        ),
        pytest.param(
            FakeComposeFiles({WAY: Planned(None, "", ("redis stays",))}),
            FakeComposeDrift(),
            "redis stays",
            id="what is left",
        ),
    ],
)
async def test_the_compose_files_are_looked_at(
    world: World, files: FakeComposeFiles, drift: FakeComposeDrift, expected: str
) -> None:
    findings = await preflight(world, FakeLook(), FakeStore(), files, drift).run("2025.2.4")

    assert [each for each in findings if expected in each.message and each.subject == "compose"]
    assert not files.applied
