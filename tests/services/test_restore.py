"""A restore on fakes: what serves after, what is refused, what is swapped back, what is said."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.app_restores import confirmed_before
from bot.domain.catalogue import BackupState, choose
from bot.domain.downtime import came_back
from bot.domain.durations import duration
from bot.domain.errors import BotError, ConfigError, IntegrityError, PortError, RefusedError
from bot.domain.jobs import READS, JobKind, JobState, Trigger, degraded, plan_changed
from bot.domain.manifest import DatabaseFacts
from bot.domain.messages import RunRestore, StepBegan
from bot.domain.restore import KEPT, Site
from bot.domain.restore_plan import Preview
from bot.domain.signature import public_key_of
from bot.domain.stack import Mount
from bot.domain.undo_ways import Ways
from bot.entrypoints.render_restore import preview_lines, restored_lines
from bot.services.gate import GateError
from bot.services.outage import AWAY_WITHIN
from bot.services.restore import Confirm
from bot.services.restore_ports import Tools
from bot.services.store_ports import StoredObject
from tests.fakes import FakeStore
from tests.fakes_journal import FakeJobJournal
from tests.fakes_restore import NEW, OLD, FakeDatabases, FakeWorkplace
from tests.fakes_stack import make_facts
from tests.services.restore_world import OF_A_DUMP, RESTORE, UNDO, RestoreWorld, world_with_a_backup


@pytest.fixture
async def world() -> RestoreWorld:
    return await world_with_a_backup()


async def test_the_backup_serves_and_the_state_before_is_kept(world: RestoreWorld) -> None:
    [record] = await world.records()

    restored = await world.restore()

    host = world.host
    assert host.served() == {NEW}
    assert (host.redis, host.redis_kept) == ("", {restored.job: OLD})
    assert (restored.backup, restored.version) == (record.id, "2025.2.1")
    [job, _] = await world.journal.jobs()
    assert (job.kind, job.state, job.swept) == (JobKind.RESTORE, JobState.DONE, True)
    assert job.message == restored.words
    assert (job.plan[READS], job.plan[KEPT]) == (record.id, "before")
    safety = next(each for each in await world.records() if each.id == job.id)
    assert safety.state is BackupState.GOOD
    assert safety.summary
    assert safety.summary.trigger == Trigger.SAFETY
    kept = [name for name in host.databases if "_before_" in name]
    assert [host.databases[name] for name in kept] == [OLD]
    assert set(kept) <= host.fenced, "nobody writes into what is kept"
    assert host.calls.index("analyze") < host.calls.index("remove")


@pytest.mark.parametrize(
    ("change", "untouched"),
    [
        pytest.param({}, False, id="it is emptied"),
        pytest.param({"with_redis": True}, False, id="it is loaded"),
        pytest.param({"components": frozenset({"media"})}, True, id="it stays"),
    ],
)
async def test_a_redis_that_changes_is_not_called_untouched(
    world: RestoreWorld,
    change: dict[str, Any],
    untouched: bool,  # noqa: FBT001
) -> None:
    preview = await world.restores().preview(replace(RESTORE, **change))

    assert ("redis" in preview.untouched) is untouched


async def test_an_undo_gives_the_state_before_back_and_another_one_takes_that_back(
    world: RestoreWorld,
) -> None:
    restored = await world.restore()
    undone = await world.restore(UNDO)

    assert world.host.served() == {OLD}
    assert world.host.redis == OLD
    assert undone.undone == restored.job
    assert not world.host.left_over(undone.job)

    again = await world.restore(UNDO)

    assert world.host.served() == {NEW}
    assert not world.host.left_over(again.job)


async def test_an_undo_says_to_which_state_it_goes_and_how_to_have_an_older_one(
    world: RestoreWorld,
) -> None:
    """It takes back the last restore alone: the second undo takes back the first."""
    [first] = await world.records()
    world.clock.suffixes += [f"z{letter}zz" for letter in "abcdefgh"]
    world.clock.at += timedelta(days=1)
    one = await world.restore(RESTORE)
    world.clock.at += timedelta(days=1)
    second = await world.run()
    two = await world.restore(replace(RESTORE, backup=second.id, safety_backup=False))

    plan = await world.undo_preview()
    older = (
        f"what served before backup {first.id} was restored on 2026-11-24: akbot restore {one.job}"
    )
    assert plan.ways == Ways(
        f"what served until 2026-11-25 03:30 UTC, before backup {second.id}", (older,)
    )
    lines = preview_lines(plan)
    assert f"Serves again: {plan.ways.to}." in lines
    assert f"Older is {older}" in lines
    undone = await world.restore(UNDO)
    assert (undone.undone, undone.ways) == (two.job, plan.ways)
    assert undone.words.endswith(f"; serves {plan.ways.to}; older is {older}")

    again = await world.undo_preview()
    assert again.ways == Ways(
        f"backup {second.id} as it served until 2026-11-25 03:30 UTC, when it was taken back",
        (older,),
    )
    records = await world.records()
    assert choose(records, one.job).state is BackupState.GOOD, "what is named is there"


class Unlistable(FakeStore):
    async def list(self, prefix: str = "") -> AsyncIterator[StoredObject]:
        async for each in super().list(prefix):
            yield each
        raise PortError("list objects: connection lost", retryable=True)


async def test_a_safety_backup_that_no_store_has_any_more_is_no_way_to_an_older_state(
    world: RestoreWorld,
) -> None:
    one = await world.restore(replace(RESTORE, components=frozenset({"media"})))
    world.clock.at += timedelta(days=1)
    two = await world.restore(replace(RESTORE, safety_backup=False))
    [older] = (await world.undo_preview()).ways.older
    assert f"akbot restore {one.job}" in older

    whole = world.store
    world.store = Unlistable()
    [doubtful] = (await world.undo_preview()).ways.older
    assert doubtful == f"{older}, if a store that does not answer still has it"

    world.store = whole
    for key in [key for key in world.store.objects if one.job in key]:
        del world.store.objects[key]
    assert not any(one.job in each for each in (await world.undo_preview()).ways.older)
    assert (await world.restore(UNDO)).undone == two.job


async def test_what_no_safety_backup_holds_is_named_by_its_database(world: RestoreWorld) -> None:
    one = await world.restore(replace(RESTORE, safety_backup=False))
    world.clock.at += timedelta(days=1)
    await world.restore(RESTORE)

    [older] = (await world.undo_preview()).ways.older

    [kept] = [name for name in world.host.databases if one.job.lower()[:15] in name]
    assert older.endswith(
        f' is kept as database {kept}, by hand: "Half-done renames" in RUNBOOK.md'
    )


async def test_an_undo_that_cannot_sweep_serves_all_the_same(world: RestoreWorld) -> None:
    restored = await world.restore()
    world.host.fails = {"discard"}

    with pytest.raises(PortError, match="discard"):
        await world.restore(UNDO)
    world.host.fails = set()
    await world.jobs.recover()

    assert world.host.served() == {OLD}
    undone, *_, first, _ = await world.journal.jobs()
    assert not world.host.left_over(undone.id)
    assert (undone.state, undone.swept) == (JobState.DONE, True)
    assert (first.id, first.plan[KEPT]) == (restored.job, "before"), "the sweep still knows it"


async def test_nor_does_one_of_an_undo_leave_anything_of_it(world: RestoreWorld) -> None:
    await world.restore()
    await world.restore(UNDO)
    world.host.fails = {"discard"}

    with pytest.raises(PortError, match="discard"):
        await world.restore(UNDO)
    world.host.fails = set()
    await world.jobs.recover()

    assert world.host.served() == {NEW}
    newest, *_ = await world.journal.jobs()
    assert not world.host.left_over(newest.id)


async def test_what_needs_a_redis_that_is_gone_since_is_not_taken_back(
    world: RestoreWorld,
) -> None:
    await world.restore()
    world.engine.stack = replace(world.engine.stack, redis=None)

    for look in (world.undo_preview(), world.restore(UNDO)):
        with pytest.raises(RefusedError, match="needs Redis"):
            await look

    assert world.host.served() == {NEW}


async def test_a_backup_of_another_stack_is_called_so(world: RestoreWorld) -> None:
    assert not (await world.restores().preview(RESTORE)).warnings
    world.engine.stack = replace(world.engine.stack, project="home")

    preview = await replace(world.restores(), stack_name="authentik").preview(RESTORE)

    assert preview.warnings == ('it is a backup of the stack "authentik"; this one is "home"',)


async def test_there_is_nothing_to_undo_before_a_restore(world: RestoreWorld) -> None:
    with pytest.raises(RefusedError, match="no restore to take back"):
        await world.restore(UNDO)

    assert world.host.calls == []


async def test_what_was_dropped_by_hand_cannot_be_had_back(world: RestoreWorld) -> None:
    await world.restore()
    [kept] = [name for name in world.host.databases if "_before_" in name]
    del world.host.databases[kept]

    with pytest.raises(RefusedError, match="not there any more"):
        await world.restore(UNDO)

    assert world.host.served() == {NEW}


async def test_each_step_is_told(world: RestoreWorld) -> None:
    await world.restore()

    told = [event.words for _, event in world.told if isinstance(event, StepBegan)]
    expected = [
        "checking postgres", "backing up the state before", "getting the image",
        "restoring postgres beside what serves", "comparing every table with the manifest",
        "restoring media beside what serves", "stopping and removing server and worker",
        "closing the databases", "setting AUTHENTIK_TAG to 2025.2.1", "swapping the databases",
        "swapping the files", "emptying Redis", "removing server and worker once more", "starting",
        "waiting until it holds",
    ]  # fmt: skip
    assert [words for words in told if words in expected] == expected


async def test_what_somebody_started_meanwhile_is_removed_before_anybody_can_connect(
    world: RestoreWorld,
) -> None:
    await world.restore()

    calls = world.host.calls
    assert "remove" in calls[calls.index("flush") : calls.index("unfence")]


async def test_only_what_was_asked_for_is_restored(world: RestoreWorld) -> None:
    await world.restore(replace(RESTORE, components=frozenset({"media"})))

    live = {source: mount.live.decode() for source, mount in world.host.mounts.items()}
    assert live == {"/mnt/media": NEW, "/mnt/templates": OLD, "/mnt/certs": OLD}
    assert (world.host.databases["authentik"], world.host.redis) == (OLD, OLD)
    assert world.host.tag == "2025.2.4"


async def test_redis_is_loaded_where_that_was_asked_for(world: RestoreWorld) -> None:
    await world.restore(replace(RESTORE, with_redis=True))

    assert world.host.redis == NEW


@pytest.mark.parametrize("keep", [False, True])
async def test_the_task_queue_is_emptied_unless_it_shall_be_kept(
    world: RestoreWorld,
    keep: bool,  # noqa: FBT001
) -> None:
    await world.restore(replace(RESTORE, keep_queue=keep))

    assert ("empty queue" in world.host.calls) is not keep


@pytest.mark.parametrize("command", [RESTORE, OF_A_DUMP], ids=["a backup", "a dump"])
async def test_a_store_that_lacks_the_safety_backup_is_named_in_the_outcome(
    command: RunRestore,
) -> None:
    full = FakeStore(fail_put_at=1)
    world = await world_with_a_backup()
    world.others = {"far": full}

    restored = await world.restore(command)

    assert restored.safety_missing.keys() == {"far"}
    [job] = await world.journal.jobs(1)
    lack = 'the safety backup of the state before is not in store "far": '
    assert degraded(job).startswith(lack)
    lines = restored_lines(restored)
    assert lines[1].startswith(f"degraded: {lack}")


async def test_without_a_safety_backup_there_is_none(world: RestoreWorld) -> None:
    await world.restore(replace(RESTORE, safety_backup=False))

    assert len(await world.records()) == 1


async def test_nobody_agreed_so_nothing_was_changed(world: RestoreWorld) -> None:
    seen: list[Preview] = []

    async def refuse(preview: Preview) -> bool:
        seen.append(preview)
        return False

    with pytest.raises(RefusedError, match="was not confirmed") as caught:
        await world.restore(confirm=refuse)

    assert "nothing that serves was changed" in caught.value.__notes__[-1]
    assert (seen[0].version_now, seen[0].version_then) == ("2025.2.4", "2025.2.1")
    assert "remove" not in world.host.calls
    assert len(await world.records()) == 1


async def agreed(world: RestoreWorld, command: RunRestore) -> Confirm:
    """A person's word for what *command* would do now."""
    preview = await world.restores().preview(command)
    return confirmed_before(preview.plan_hash)


async def test_what_was_agreed_to_is_done(world: RestoreWorld) -> None:
    [record] = await world.records()
    command = replace(RESTORE, backup=record.id)

    await world.restore(command, await agreed(world, command))

    assert world.host.served() == {NEW}


def add_a_user(world: RestoreWorld) -> None:
    world.host.facts_of_old = make_facts(authentik_core_user=4)


def write_events(world: RestoreWorld) -> None:
    facts = world.host.facts_of_old
    world.host.facts_of_old = replace(facts, rows={**facts.rows, "public.event": 9})


async def make_another(world: RestoreWorld) -> None:
    world.clock.at += timedelta(hours=1)
    await world.run()


def update(world: RestoreWorld) -> None:
    world.host.tag = "2025.4.1"


@pytest.mark.parametrize("change", [add_a_user, make_another, update])
async def test_another_plan_than_the_one_agreed_to_is_not_done(
    world: RestoreWorld, change: Callable[[RestoreWorld], Awaitable[None] | None]
) -> None:
    [record] = await world.records()
    command = replace(RESTORE, backup=record.id)
    confirm = await agreed(world, command)
    if coroutine := change(world):
        await coroutine

    with pytest.raises(RefusedError, match="has changed since it was confirmed") as caught:
        await world.restore(command, confirm)

    assert "nothing that serves was changed" in caught.value.__notes__[-1]
    assert "remove" not in world.host.calls
    [job, *_] = await world.journal.jobs()
    assert (job.kind, job.state, job.swept) == (JobKind.RESTORE, JobState.FAILED, True)


async def test_what_a_stack_writes_by_itself_changes_no_plan(world: RestoreWorld) -> None:
    [record] = await world.records()
    command = replace(RESTORE, backup=record.id)
    confirm = await agreed(world, command)
    write_events(world)

    await world.restore(command, confirm)

    assert world.host.served() == {NEW}


async def test_a_backup_that_was_pruned_meanwhile_is_not_restored(world: RestoreWorld) -> None:
    [record] = await world.records()
    command = replace(RESTORE, backup=record.id)
    confirm = await agreed(world, command)
    world.store.objects.clear()

    with pytest.raises(RefusedError, match="there is no backup"):
        await world.restore(command, confirm)

    assert "remove" not in world.host.calls


async def test_an_undo_of_another_restore_than_the_one_agreed_to_is_not_done(
    world: RestoreWorld,
) -> None:
    first = await world.restore()
    preview = await world.undo_preview()
    assert preview.undo_of == first.job
    await world.restore()

    with pytest.raises(RefusedError, match="has changed since it was confirmed"):
        await world.restore(UNDO, confirmed_before(preview.plan_hash))

    assert world.host.served() == {NEW}
    [job, *_] = await world.journal.jobs()
    assert plan_changed(job)


async def test_nobody_has_agreed_to_what_has_no_hash(world: RestoreWorld) -> None:
    with pytest.raises(RefusedError, match="has changed since"):
        await world.restore(RESTORE, confirmed_before(""))

    [job, *_] = await world.journal.jobs()
    assert plan_changed(job)


async def test_it_says_for_how_long_nobody_was_served(world: RestoreWorld) -> None:
    restored = await world.restore()

    assert 0 <= restored.away < restored.seconds
    assert f"nobody could log in for {duration(restored.away)}" in restored.words
    [job, *_] = await world.journal.jobs()
    assert came_back(restored.away).items() <= job.plan.items()


async def test_neither_what_it_reads_nor_what_it_makes_is_pruned(world: RestoreWorld) -> None:
    [record] = await world.records()
    reasons: list[str] = []

    async def agree_after_a_look(_: Preview) -> bool:
        assert world.read_locks.read[record.id] == 1
        plan = await world.prune_service().preview()
        reasons.extend(each.reason for each in plan.verdicts)
        return True

    restored = await world.restore(confirm=agree_after_a_look)

    assert "is read by the restore" in reasons[0]
    assert world.read_locks.read[record.id] == 0
    world.journal.rows[restored.job] = replace(world.journal.rows[restored.job], swept=False)
    plan = await world.prune_service().preview()
    [made] = [each for each in plan.verdicts if each.record.id == restored.job]
    assert "belongs to a job" in made.reason


async def test_a_preview_changes_nothing(world: RestoreWorld) -> None:
    preview = await world.restores().preview(RESTORE)

    assert preview.components == ("postgres", "media", "templates", "certs")
    assert preview.untouched == (), "Redis is emptied"
    assert world.host.calls == []


def flip(world: RestoreWorld, file: str) -> None:
    key = next(key for key in world.store.objects if f"/{file}" in key)
    data = bytearray(world.store.objects[key])
    data[len(data) // 2] ^= 1
    world.store.objects[key] = bytes(data)


def another_key(world: RestoreWorld) -> None:
    world.keyring = replace(world.keyring, identities=[age.X25519Identity.generate()])


def stop_sending(world: RestoreWorld) -> None:
    world.store.fail_get_at = 1_200_000


def no_room_once_unpacked(world: RestoreWorld) -> None:
    """Its files are packed very small; there is room for the database, and for the packed ones."""
    world.host.free = 138_340_000


REFUSALS: list[tuple[Callable[[RestoreWorld], object], type[BotError], str]] = [
    (lambda world: flip(world, "postgres"), IntegrityError, 'component "postgres": decrypt'),
    (lambda world: flip(world, "media"), IntegrityError, 'component "media": decrypt'),
    (lambda world: flip(world, "manifest.json"), RefusedError, "there is no good backup"),
    (another_key, IntegrityError, "decrypt"),
    (stop_sending, PortError, "connection lost"),
    (lambda world: setattr(world.host, "server", "16.4"), RefusedError, "16.4 is older"),
    (lambda world: setattr(world.host, "free", 1000), RefusedError, "takes about 131 MiB"),
    (no_room_once_unpacked, RefusedError, "for the database, the log of its load and the files;"),
    (lambda world: world.host.pullable.clear(), PortError, "pull image"),
    (
        lambda world: setattr(world.host, "facts_of_new", make_facts(authentik_core_user=1)),
        IntegrityError,
        "has 1 row instead of 3",
    ),
    (
        lambda world: setattr(world, "keyring", replace(world.keyring, identities=[])),
        RefusedError,
        "the private key is not on this host",
    ),
    (
        lambda world: setattr(world.engine, "stack", replace(world.engine.stack, redis=None)),
        RefusedError,
        "needs Redis",
    ),
]


@pytest.mark.parametrize(("damage", "kind", "words"), REFUSALS)
async def test_what_cannot_be_restored_touches_nothing_that_serves(
    world: RestoreWorld,
    damage: Callable[[RestoreWorld], object],
    kind: type[BotError],
    words: str,
) -> None:
    damage(world)

    with pytest.raises(kind, match=words):
        await world.restore(replace(RESTORE, safety_backup=False))

    assert "remove" not in world.host.calls
    assert world.host.served() == {OLD}
    assert not world.host.left_over()
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


@pytest.mark.parametrize("damage", [lambda world: flip(world, "postgres"), stop_sending])
async def test_pg_restore_sees_nothing_of_what_was_not_read_whole(
    world: RestoreWorld, damage: Callable[[RestoreWorld], object]
) -> None:
    damage(world)

    with pytest.raises(BotError):
        await world.restore()

    assert not {"create", "load", "stage"} & set(world.host.calls)


async def test_what_is_exchanged_after_it_was_checked_does_not_pass(world: RestoreWorld) -> None:
    key = next(key for key in world.store.objects if "/postgres." in key)

    async def exchange(_: Preview) -> bool:
        other = await world_with_a_backup()
        other.keyring = world.keyring
        world.store.objects[key] = other.store.objects[key]
        return True

    with pytest.raises(IntegrityError, match="changed since it was checked"):
        await world.restore(replace(RESTORE, safety_backup=False), exchange)

    assert "load" not in world.host.calls


async def test_a_gate_that_never_opens_is_swapped_back(world: RestoreWorld) -> None:
    world.host.well = {OLD}

    with pytest.raises(GateError, match="/-/health/ready/ answers 502") as caught:
        await world.restore()

    assert caught.value.__notes__ == [
        "the state before serves again, Authentik 2025.2.4, its data whole"
    ]
    assert (world.host.served(), world.host.redis) == ({OLD}, OLD)
    assert not world.host.left_over()


@pytest.mark.parametrize("call", ["stage", "keep sessions", "swap", "swap a mount", "flush"])
async def test_a_stop_does_not_leave_the_stack_half_swapped(world: RestoreWorld, call: str) -> None:
    """However long the way back takes: until then nobody is served."""
    reached, host = asyncio.Event(), world.host

    class Slow(FakeWorkplace):
        async def tools(self, site: Site, job: str) -> Tools:
            await asyncio.sleep(0.05 if reached.is_set() else 0)
            return await super().tools(site, job)

    class Journal(FakeJobJournal):
        async def step(self, job_id: str, step: str) -> None:
            await asyncio.sleep(0)  # where a stop takes effect
            await super().step(job_id, step)

    class Halts(list[str]):
        def append(self, name: str) -> None:
            super().append(name)
            if name == call and not reached.is_set():
                reached.set()
                running.cancel()

    host.calls = Halts()
    world.workplace, world.journal, world.undo_within = Slow(host), Journal(), 0.0
    running = asyncio.create_task(world.restore())

    with pytest.raises(asyncio.CancelledError):
        await running

    [job] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.INTERRUPTED, True)
    assert (host.served(), host.redis) == ({OLD}, OLD)
    assert not host.left_over()


async def test_rows_are_counted_while_the_planner_learns_them(world: RestoreWorld) -> None:
    analysing = asyncio.Event()

    class SideBySide(FakeDatabases):
        async def analyze(self, name: str) -> None:
            analysing.set()
            await super().analyze(name)

        async def facts(self, name: str) -> DatabaseFacts:
            if "_restore_" in name:
                await asyncio.wait_for(analysing.wait(), 120)
            return await super().facts(name)

    class Place(FakeWorkplace):
        async def tools(self, site: Site, job: str) -> Tools:
            tools = await super().tools(site, job)
            return replace(tools, databases=SideBySide(self.host, job))

    world.workplace = Place(world.host)

    await world.restore()

    assert world.host.served() == {NEW}
    assert world.host.calls.index("analyze") < world.host.calls.index("empty queue")


@pytest.mark.parametrize("call", ["remove", "fence", "swap", "swap a mount", "flush"])
async def test_docker_that_is_away_in_the_middle_is_waited_for(
    world: RestoreWorld, call: str
) -> None:
    world.host.outages = {call: 100}

    with pytest.raises(PortError, match="does not answer"):
        await world.restore()

    assert (world.host.served(), world.host.redis) == ({OLD}, OLD)
    assert not world.host.left_over()
    [job, *_] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_what_docker_may_have_started_before_it_went_away_is_set_aside(
    world: RestoreWorld,
) -> None:
    """Whether the call still reached it nobody knows."""
    world.host.outages = {"start": 100}

    with pytest.raises(PortError, match="does not answer"):
        await world.restore()

    assert (world.host.served(), world.host.redis) == ({OLD}, OLD)
    [job, *_] = await world.journal.jobs()
    [aside] = [name for name in world.host.databases if "_restore_" in name]
    assert f'what had served is kept as database "{aside}"' in job.message
    assert (job.state, job.swept) == (JobState.FAILED, True)


async def test_what_stays_away_is_left_to_the_next_process(world: RestoreWorld) -> None:
    world.host.outages = {"fence": 1_000_000}

    with pytest.raises(PortError, match="does not answer") as failed:
        await world.restore()

    assert "nobody can log in" in failed.value.__notes__[-1]
    assert "akbot status" in failed.value.__notes__[-1]
    assert world.gate_clock.passed > AWAY_WITHIN
    [left] = await world.journal.open_jobs()
    assert left.swept is False
    world.host.away = 0
    await world.jobs.recover()
    assert world.host.served() == {OLD}
    assert not world.host.left_over()


async def test_before_the_switch_nobody_is_away_and_nothing_is_waited_for(
    world: RestoreWorld,
) -> None:
    world.host.outages = {"load": 1_000_000}

    with pytest.raises(PortError, match="does not answer"):
        await world.restore()

    assert world.gate_clock.passed < AWAY_WITHIN
    assert world.host.served() == {OLD}


async def test_an_unsigned_backup_is_restored_only_where_a_person_says_so(
    world: RestoreWorld,
) -> None:
    [record] = await world.records()
    world.keyring = replace(world.keyring, signing_key=Ed25519PrivateKey.generate())

    with pytest.raises(RefusedError, match="is not trusted"):
        await world.restore(replace(RESTORE, backup=record.id))
    assert world.host.served() == {OLD}

    await world.restore(replace(RESTORE, backup=record.id, allow_unsigned=True))

    assert world.host.served() == {NEW}


async def test_a_key_may_be_trusted_for_this_once(world: RestoreWorld) -> None:
    [record] = await world.records()
    key = public_key_of(world.keyring.signing_key)
    world.keyring = replace(world.keyring, signing_key=Ed25519PrivateKey.generate())

    await world.restore(replace(RESTORE, backup=record.id, trust=key))

    assert world.host.served() == {NEW}


async def test_a_component_that_there_is_not_is_a_wrong_argument(world: RestoreWorld) -> None:
    with pytest.raises(ConfigError, match='there is no "globals" in the backup'):
        await world.restore(replace(RESTORE, components=frozenset({"globals"})))


async def test_a_backup_of_another_layout_is_refused(world: RestoreWorld) -> None:
    server = world.engine.stack.server
    media, *others = server.mounts
    mounts = (replace(media, source="/mnt/data", target="/data"), *others)
    worker = world.engine.stack.worker
    assert worker
    world.engine.stack = replace(
        world.engine.stack,
        server=replace(server, mounts=mounts),
        worker=replace(worker, mounts=worker.mounts[2:]),
    )

    with pytest.raises(RefusedError, match='this stack has no folder for "media"'):
        await world.restore()

    assert world.host.served() == {OLD}


async def test_a_database_that_hangs_is_restored_all_the_same(world: RestoreWorld) -> None:
    world.host.is_locked = True
    seen: list[Preview] = []

    async def look(preview: Preview) -> bool:
        seen.append(preview)
        return True

    await world.restore(confirm=look)

    assert any("could not be counted" in each for each in seen[0].warnings)
    assert world.host.served() == {NEW}


@pytest.mark.parametrize("role", ["postgresql", "redis", "worker"])
async def test_a_folder_in_which_another_mount_lies_is_not_moved_away(role: str) -> None:
    world = await world_with_a_backup()
    holder = getattr(world.engine.stack, role)
    mounts = (*holder.mounts, Mount("/mnt/media/deep/inner", "/inner"))
    world.engine.stack = replace(world.engine.stack, **{role: replace(holder, mounts=mounts)})

    for look in (world.restores().preview(RESTORE), world.restore()):
        with pytest.raises(RefusedError, match=r'"media" cannot be .*deep/inner"') as c:
            await look
        assert "--component" in c.value.hint

    assert world.host.served() == {OLD}
    assert not world.host.left_over()
    parts = frozenset({"postgres", "templates"})
    await world.restore(replace(RESTORE, components=parts, safety_backup=False))
    assert world.host.mounts["/mnt/templates"].live == NEW.encode()
    assert world.host.mounts["/mnt/media"].live == OLD.encode()


async def test_a_single_file_that_is_mounted_stays_as_it_is(world: RestoreWorld) -> None:
    world.host.single_files = {"/mnt/certs"}

    await world.restore()

    assert world.host.mounts["/mnt/certs"].live == OLD.encode()
    assert world.host.mounts["/mnt/media"].live == NEW.encode()
    with pytest.raises(ConfigError, match='there is no "certs"'):
        await world.restore(replace(RESTORE, components=frozenset({"certs"})))


async def test_a_backup_whose_grants_are_for_a_role_that_is_gone_serves_without_them(
    world: RestoreWorld,
) -> None:
    world.host.role_gone = "grafana"

    await world.restore()

    assert world.host.databases["authentik"] == NEW
    job = (await world.journal.jobs())[0]
    assert job.state is JobState.DONE
    assert 'the dump has grants for "grafana", a role that is gone)' in job.message


async def test_warnings_are_shown_and_secrets_are_not(world: RestoreWorld) -> None:
    world.host.client = "17.5"

    preview = await world.restores().preview(RESTORE)

    assert any("CVE-2026-116314" in each and "17.12" in each for each in preview.warnings)
    assert "secret" not in str(preview.differences)
