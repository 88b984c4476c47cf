"""A restore to another layout: the backup's compose files come with it, and go back with it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import PortError, RefusedError
from bot.domain.jobs import JobState
from bot.domain.messages import RunRestore
from bot.domain.stack import Mount, Stack
from bot.entrypoints.render_restore import preview_lines
from bot.services.gate import GateError
from tests.fakes_restore import NEW, OLD, REPOSITORY, FakeMount
from tests.fakes_stack import FakeEngine, make_stack
from tests.services.mortal import KilledError, Life
from tests.services.restore_world import RESTORE, UNDO, RestoreWorld, process, world_with_a_backup

COMPOSE = "/srv/authentik/docker-compose.yml"
LAYOUT = replace(RESTORE, apply_compose=True, safety_backup=False)
COMMANDS = {"restore": LAYOUT, "undo": UNDO}
MOST_WRITES = 60


def bind(source: str, target: str) -> dict[str, str]:
    return {"type": "bind", "source": source, "target": target}


def compose(media: str, *, redis: bool, **more: Any) -> dict[str, Any]:
    """A project whose server has its files at `/media` or at `/data`."""
    variables = {"AUTHENTIK_REDIS__HOST": "redis"} if redis else {}
    files = bind(f"/mnt{media}", media)
    own = {"redis": {"image": "redis:8"}} if redis else {}
    return {
        "services": {
            "postgresql": {"image": "postgres:17"},
            **own,
            "authentik": {
                "environment": variables,
                "volumes": [files, bind("/mnt/templates", "/templates")],
            },
            "worker": {"environment": variables, "volumes": [files, bind("/mnt/certs", "/certs")]},
            **more,
        }
    }


EARLY, LATE = compose("/media", redis=True), compose("/data", redis=False)


def encoded(config: Mapping[str, Any]) -> bytes:
    return json.dumps(config, indent=1).encode()


def late_stack() -> Stack:
    """As the Engine tells of it, once it has gone on."""
    stack, data = make_stack(), Mount("/mnt/data", "/data")
    assert stack.worker
    return replace(
        stack,
        redis=None,
        server=replace(
            stack.server,
            image=f"{REPOSITORY}:2025.12.4",
            mounts=(data, Mount("/mnt/templates", "/templates")),
        ),
        worker=replace(stack.worker, mounts=(data, Mount("/mnt/certs", "/certs"))),
    )


async def moved_on(
    then: Mapping[str, Any] = EARLY, now: Mapping[str, Any] = LATE, **parts: Any
) -> RestoreWorld:
    """A stack whose backup is of 2025.2.1, and which has gone on to 2025.12.4."""
    engine = FakeEngine()
    engine.disk.project = {"docker-compose.yml": encoded(then), ".env": b"PG_PASS=secret"}
    world = await world_with_a_backup(engine=engine, **parts)
    world.engine.disk.project["docker-compose.yml"] = encoded(now)
    world.engine.stack = late_stack()
    host = world.host
    host.mounts["/mnt/data"] = host.mounts.pop("/mnt/media")
    host.compose, host.redis, host.tag = {COMPOSE: encoded(now)}, None, "2025.12.4"
    host.images.add(f"{REPOSITORY}:2025.12.4")
    host.pullable.add("redis:8")
    host.running = dict.fromkeys(host.running, f"{REPOSITORY}:2025.12.4")
    return world


def whole(world: RestoreWorld) -> tuple[object, ...]:
    """All that somebody would see of it."""
    host = world.host
    return (
        {name: mount.live for name, mount in host.mounts.items()},
        dict(host.compose),
        host.redis,
        host.databases["authentik"],
        set(host.running.values()),
        host.tag,
    )


def as_it_is(world: RestoreWorld) -> None:
    """Let the Engine tell of the stack that there is by now."""
    is_early = world.host.compose[COMPOSE] == encoded(EARLY)
    world.engine.stack = make_stack() if is_early else late_stack()


@pytest.fixture
async def world() -> RestoreWorld:
    return await moved_on()


async def test_without_a_word_it_is_refused_and_the_way_is_named(world: RestoreWorld) -> None:
    with pytest.raises(RefusedError, match="another layout") as caught:
        await world.restore(replace(LAYOUT, apply_compose=False))

    assert "--apply-compose" in caught.value.hint
    assert "remove" not in world.host.calls


async def test_the_files_of_then_come_with_it(world: RestoreWorld) -> None:
    preview = await world.restores().preview(LAYOUT)

    await world.restore(LAYOUT)

    host = world.host
    assert host.compose == {COMPOSE: encoded(EARLY)}
    assert host.redis == "", "it runs, and what it remembered of a later database is forgotten"
    assert host.mounts["/mnt/media"].live == NEW.encode()
    assert host.mounts["/mnt/data"].live == b"", "or the next update would find it in its way"
    assert (host.databases["authentik"], host.tag) == (NEW, "2025.2.1")
    assert host.calls.index("start redis") < host.calls.index("flush") < host.calls.index("start")
    lines = preview_lines(preview)
    assert "The compose files change, and go back with the restore:" in lines
    assert any("redis:8" in line for line in lines)
    assert preview.components == ("postgres", "media", "templates", "certs")


async def test_an_undo_gives_all_of_it_back_and_another_one_takes_that_back(
    world: RestoreWorld,
) -> None:
    before = whole(world)
    done = await world.restore(LAYOUT)
    restored = whole(world)
    as_it_is(world)
    assert "redis" in (await world.undo_preview()).compose

    undone = await world.restore(UNDO)

    files = world.host.mounts.pop("/mnt/media")
    assert files.live == b""
    assert whole(world) == before
    world.host.mounts["/mnt/media"] = files
    assert list(world.host.compose_beside) == [undone.job]
    as_it_is(world)
    again = await world.restore(UNDO)
    assert whole(world) == restored
    assert not world.host.left_over(again.job)
    assert done.job not in world.host.compose_beside


async def gone_back() -> tuple[RestoreWorld, str]:
    """The other way round: a stack of 2025.10.4, and a backup of it from 2025.12.4."""
    world = await moved_on()
    disk, host = world.engine.disk, world.host
    disk.archives["/data"], disk.version = disk.archives["/media"], "2025.12.4"
    manifest = await world.run()
    host.compose, host.redis, host.tag = {COMPOSE: encoded(EARLY)}, OLD, "2025.10.4"
    disk.project["docker-compose.yml"] = encoded(EARLY)
    host.mounts["/mnt/media"] = host.mounts.pop("/mnt/data")
    host.images.add(f"{REPOSITORY}:2025.10.4")
    host.running = dict.fromkeys(host.running, f"{REPOSITORY}:2025.10.4")
    as_it_is(world)
    return world, manifest.id


async def test_what_the_files_of_then_need_no_more_goes() -> None:
    world, backup_id = await gone_back()
    before = whole(world)

    await world.restore(replace(LAYOUT, backup=backup_id))

    assert world.host.compose == {COMPOSE: encoded(LATE)}
    assert (world.host.redis, world.host.redis_left) == (None, OLD)
    assert world.host.mounts["/mnt/data"].live == NEW.encode()
    assert world.host.mounts["/mnt/media"].live == b""
    as_it_is(world)
    await world.restore(UNDO)
    world.host.mounts.pop("/mnt/data")
    assert whole(world) == before


async def test_where_the_layout_fits_the_files_stay(world: RestoreWorld) -> None:
    early = compose("/media", redis=True, bot={"image": "akbot"})
    world = await moved_on(now=early)
    world.host.redis, world.host.mounts["/mnt/media"] = OLD, FakeMount(OLD.encode())
    world.host.compose = {COMPOSE: encoded(early)}
    world.engine.stack = make_stack()

    await world.restore(LAYOUT)

    assert world.host.compose == {COMPOSE: encoded(early)}


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "postgresql": (
        {**EARLY["services"], "postgresql": {"image": "postgres:16"}},
        'another service "postgresql"',
    ),
    "server": (
        {name: each for name, each in EARLY["services"].items() if name != "worker"},
        'no service "worker"',
    ),
    "inside": (
        compose("/data/media", redis=True)["services"]
        | {"extra": {"volumes": []}}
        | {
            "authentik": {
                "environment": {"AUTHENTIK_REDIS__HOST": "redis"},
                "volumes": [bind("/mnt/data/media", "/media")],
            }
        },
        "lies inside of",
    ),
    "a stranger's inside": (
        compose("/media", redis=True)["services"]
        | {"extra": {"volumes": [bind("/mnt/data/extra", "/extra")]}},
        "lies inside of",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_would_change_more_than_that_is_refused(name: str) -> None:
    services, words = REFUSALS[name]
    world = await moved_on({"services": services})

    with pytest.raises(RefusedError, match=words):
        await world.restore(LAYOUT)

    assert "remove" not in world.host.calls
    assert not world.host.left_over()


async def test_files_that_compose_does_not_take_are_refused() -> None:
    world = await moved_on()
    world.engine.disk.project["docker-compose.yml"] = b"?"
    world.host.compose = {COMPOSE: b"?"}

    with pytest.raises(RefusedError, match="Compose does not take the compose files"):
        await world.restore(LAYOUT)


async def test_a_file_that_is_new_since_is_refused(world: RestoreWorld) -> None:
    more = "/srv/authentik/compose.more.yml"
    stack = world.engine.stack
    world.engine.stack = replace(stack, config_files=(*stack.config_files, more))

    with pytest.raises(RefusedError, match=r'"compose\.more\.yml" is new since'):
        await world.restore(LAYOUT)


async def test_redis_cannot_be_loaded_before_it_is_there(world: RestoreWorld) -> None:
    with pytest.raises(RefusedError, match="--with-redis"):
        await world.restore(replace(LAYOUT, with_redis=True))


async def test_other_services_that_differ_are_named(world: RestoreWorld) -> None:
    now = {"services": {**LATE["services"], "bot": {"image": "akbot"}, "web": {"image": "a"}}}
    then = {"services": {**EARLY["services"], "web": {"image": "b"}, "old": {"image": "c"}}}
    world = await moved_on(then, now)

    warnings = " ".join((await world.restores().preview(LAYOUT)).warnings)

    assert 'the service "bot" is not in the backup\'s files' in warnings
    assert 'the service "old" is in the backup\'s files, and is not started' in warnings
    assert 'the service "web" is another one' in warnings


async def prepared(journal: Journal, command: RunRestore) -> RestoreWorld:
    world = await moved_on(journal=journal.jobs)
    if command.undo:
        await world.restore(LAYOUT)
        as_it_is(world)
    return world


@pytest.mark.parametrize("name", COMMANDS)
async def test_each_failure_gives_the_state_before_back(tmp_path: Path, name: str) -> None:
    command = COMMANDS[name]
    journal = Journal(StateFolder(tmp_path / "first"))
    world = await prepared(journal, command)
    world.host.calls.clear()
    await world.restore(command)
    after_the_gate = {"remove empty", "discard"}  # it serves by then, whatever of it fails
    calls = [each for each in dict.fromkeys(world.host.calls) if each not in after_the_gate]
    await journal.close()
    for number, failing in enumerate(calls):
        journal = Journal(StateFolder(tmp_path / f"{number}"))
        world = await prepared(journal, command)
        before, kept = whole(world), [job.id for job in await journal.jobs.jobs()]
        world.host.fails = {failing}
        with pytest.raises(PortError, match=failing):
            await world.restore(command)
        world.host.fails = set()
        await world.jobs.recover()
        [job, *_] = await journal.jobs.jobs()
        assert (job.state, job.swept) == (JobState.FAILED, True), failing
        assert whole(world) == before, failing
        assert not world.host.left_over(*kept), failing
        await journal.close()


async def test_what_could_not_be_put_back_is_told_though_the_rest_stays_for_later(
    world: RestoreWorld,
) -> None:
    world.host.compose_doubts = ("what was edited is kept beside",)
    world.host.well = {OLD}
    world.host.fails = {"discard"}
    with pytest.raises(GateError):
        await world.restore(LAYOUT)
    world.host.fails = set()

    await world.jobs.recover()

    [job, *_] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)
    assert job.message.count("what was edited is kept beside") == 1


async def test_what_does_not_hold_gives_the_state_before_back(world: RestoreWorld) -> None:
    before = whole(world)
    world.host.well = {OLD}

    with pytest.raises(GateError):
        await world.restore(LAYOUT)

    assert whole(world) == before
    assert not world.host.left_over()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", COMMANDS)
async def test_killed_at_any_write_one_whole_layout_serves(
    tmp_path: Path,
    name: str,
    after: bool,  # noqa: FBT001
) -> None:
    command, outcomes = COMMANDS[name], set()
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = await prepared(journal, command)
        before, kept = whole(world), [job.id for job in await journal.jobs.jobs()]
        life = Life(dies_at, after)
        try:
            await process(world, journal, life).restore(command)
        except KilledError:
            await process(world, journal, Life()).jobs.recover()
            [newest, *_] = await journal.jobs.jobs()
            done = newest.id not in kept and newest.state is JobState.DONE
            outcomes.add(done)
            if done:
                goal = LATE if command.undo else EARLY
                assert world.host.compose == {COMPOSE: encoded(goal)}
                assert (world.host.redis is None) is command.undo
                assert world.host.databases["authentik"] == (OLD if command.undo else NEW)
            else:
                assert whole(world) == before
                assert not world.host.left_over(*kept)
            assert "authentik" not in world.host.fenced
        else:
            await journal.close()
            break
        await journal.close()
    else:
        pytest.fail("it never came to its end")
    assert outcomes == {False, True}
