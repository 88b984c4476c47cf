"""A restore of a person's dump on fakes: what serves after, what is refused, what is said."""

import gzip
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import zstandard

from bot import age
from bot.domain.catalogue import BackupState
from bot.domain.errors import BotError, ConfigError, IntegrityError, PortError, RefusedError
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.manifest import VersionRow
from bot.domain.messages import StepBegan
from bot.domain.restore import KEPT
from bot.domain.restore_plan import Preview
from bot.services.dump_stream import load_dump
from bot.services.gate import GateError
from tests.fakes_restore import NEW, OLD, REPOSITORY
from tests.fakes_stack import CONTENTS, DUMP, FakeScratch, make_facts
from tests.services.restore_world import (
    OF_A_DUMP,
    UNDO,
    GivenDump,
    RestoreWorld,
    world_with_a_backup,
)

PLAIN = b"""--
-- PostgreSQL database dump
--

DROP DATABASE authentik;
\\connect authentik
CREATE TABLE public.t (id integer);
COPY public.t (id) FROM stdin;
1
\\.

--
-- PostgreSQL database dump complete
--
"""
LOADED = PLAIN.replace(b"DROP DATABASE authentik;\n\\connect authentik", b"\n")


@pytest.fixture
async def world() -> RestoreWorld:
    return await world_with_a_backup()


async def test_the_dump_serves_in_its_version_and_an_undo_takes_it_back(
    world: RestoreWorld,
) -> None:
    restored = await world.restore(OF_A_DUMP)

    host = world.host
    assert host.databases["authentik"] == NEW
    assert set(host.running.values()) == {f"{REPOSITORY}:2025.2.1"}
    assert {mount.live for mount in host.mounts.values()} == {OLD.encode()}
    assert (host.redis, host.redis_kept) == ("", {restored.job: OLD})
    assert (restored.backup, restored.dump) == ("", '"authentik.dump"')
    [job, _] = await world.journal.jobs()
    assert (job.kind, job.state, job.plan[KEPT]) == (JobKind.RESTORE, JobState.DONE, "before")
    assert job.message.startswith('the dump "authentik.dump" serves after')
    safety = next(each for each in await world.records() if each.id == job.id)
    assert (safety.state, safety.summary and safety.summary.trigger) == (
        BackupState.GOOD,
        Trigger.SAFETY,
    )
    assert host.calls.index("analyze") < host.calls.index("remove")
    assert world.engine.scratch.removed == 1

    undone = await world.restore(UNDO)

    assert (host.served(), host.redis) == ({OLD}, OLD)
    assert undone.undone == restored.job
    assert not host.left_over(undone.job)


async def test_a_plain_dump_is_loaded_without_what_is_of_databases(world: RestoreWorld) -> None:
    world.given = GivenDump(PLAIN)

    await world.restore(OF_A_DUMP)

    assert world.engine.scratch.texts == [LOADED]
    assert world.host.databases["authentik"] == NEW


async def test_each_step_is_told_and_nothing_is_made_before_a_person_has_agreed(
    world: RestoreWorld,
) -> None:
    async def agree(preview: Preview) -> bool:
        assert world.host.calls == []
        assert preview.dump
        assert (preview.dump.contents, preview.contents) == (CONTENTS, CONTENTS)
        assert preview.untouched == ("media", "templates", "certs")
        assert (preview.version_now, preview.version_then) == ("2025.2.4", "2025.2.1")
        return True

    await world.restore(OF_A_DUMP, agree)

    told = [event.words for _, event in world.told if isinstance(event, StepBegan)]
    expected = [
        "loading the dump where it reaches nothing", "backing up the state before",
        "getting the image", "restoring the dump beside what serves",
        "comparing every table with the dump", "stopping and removing server and worker",
        "setting AUTHENTIK_TAG to 2025.2.1", "swapping the databases", "starting",
    ]  # fmt: skip
    assert [words for words in told if words in expected] == expected


async def test_a_dump_of_the_version_that_runs_keeps_the_image(world: RestoreWorld) -> None:
    history = (VersionRow("2025.2.1", "", "2026-01-01"), VersionRow("2025.2.4", "", "2026-02-01"))
    world.engine.scratch.found = replace(make_facts(), versions=history)
    world.host.facts_of_new = replace(make_facts(), versions=history)

    restored = await world.restore(OF_A_DUMP)

    assert restored.version == world.host.tag == "2025.2.4"
    assert "write tag" not in world.host.calls


async def test_nobody_agreed_so_nothing_was_changed(world: RestoreWorld) -> None:
    async def refuse(_: Preview) -> bool:
        return False

    with pytest.raises(RefusedError, match="was not confirmed"):
        await world.restore(OF_A_DUMP, refuse)

    assert not {"create", "load", "remove"} & set(world.host.calls)
    assert len(await world.records()) == 1
    assert world.engine.scratch.removed == 1


async def test_a_preview_changes_nothing(world: RestoreWorld) -> None:
    preview = await world.dump_restores().preview(OF_A_DUMP)

    assert preview.dump
    assert preview.dump.facts == make_facts()
    assert world.host.calls == []
    assert not world.journal.rows or [job.kind for job in await world.journal.jobs()] == [
        JobKind.BACKUP
    ]


async def test_a_program_that_a_crafted_dump_takes_over_is_warned_of(world: RestoreWorld) -> None:
    world.host.client = "17.5"

    preview = await world.dump_restores().preview(OF_A_DUMP)

    assert any("CVE-2026-116314" in each for each in preview.warnings)


@pytest.mark.parametrize("keep", [False, True])
async def test_the_task_queue_is_emptied_unless_it_shall_be_kept(
    world: RestoreWorld,
    keep: bool,  # noqa: FBT001
) -> None:
    await world.restore(replace(OF_A_DUMP, keep_queue=keep, safety_backup=False))

    assert ("empty queue" in world.host.calls) is not keep
    assert len(await world.records()) == 1


async def test_a_gate_that_never_opens_is_swapped_back(world: RestoreWorld) -> None:
    world.host.well = {OLD}

    with pytest.raises(GateError) as caught:
        await world.restore(OF_A_DUMP)

    assert "the state before serves again" in caught.value.__notes__[-1]
    assert (world.host.served(), world.host.redis) == ({OLD}, OLD)
    assert not world.host.left_over()


REFUSALS: list[tuple[Callable[[RestoreWorld], object], type[BotError], str]] = [
    (lambda world: setattr(world, "given", GivenDump(DUMP[:-1])), IntegrityError, "pg_restore"),
    (lambda world: setattr(world, "given", GivenDump(PLAIN[:-40])), IntegrityError, "cut off"),
    (lambda world: setattr(world, "given", GivenDump(b"")), RefusedError, "is empty"),
    (
        lambda world: setattr(world, "given", GivenDump(PLAIN + b"\\! reboot\n")),
        RefusedError,
        "pg_dump does not write",
    ),
    (lambda world: setattr(world, "given", GivenDump(PLAIN, breaks=True)), PortError, "read"),
    (lambda world: setattr(world.host, "free", 1000), RefusedError, "has no room"),
    (
        lambda world: setattr(world.engine.scratch, "found", make_facts(authentik_core_user=0)),
        RefusedError,
        "there is no user",
    ),
    (
        lambda world: setattr(world.host, "facts_of_new", make_facts(authentik_core_user=1)),
        IntegrityError,
        "is not what the dump says",
    ),
    (lambda world: world.host.pullable.clear(), PortError, "pull image"),
]


@pytest.mark.parametrize(("damage", "kind", "words"), REFUSALS)
async def test_what_cannot_be_restored_touches_nothing_that_serves(
    world: RestoreWorld,
    damage: Callable[[RestoreWorld], object],
    kind: type[BotError],
    words: str,
) -> None:
    damage(world)

    with pytest.raises(kind, match=words) as caught:
        await world.restore(replace(OF_A_DUMP, safety_backup=False))

    assert "nothing that serves was changed" in caught.value.__notes__[-1]
    assert "remove" not in world.host.calls
    assert world.host.served() == {OLD}
    assert not world.host.left_over()
    assert world.given.closed == 1
    [job, _] = await world.journal.jobs()
    assert (job.state, job.swept) == (JobState.FAILED, True)


def sealed(data: bytes, identity: age.X25519Identity) -> bytes:
    sealer = age.Sealer([identity.recipient()])
    return sealer.update(data) + sealer.finish()


KEY = age.X25519Identity.generate()
WRAPPED = {
    "gzip": gzip.compress(PLAIN),
    "gzip members": gzip.compress(PLAIN[:50]) + gzip.compress(PLAIN[50:]),
    "zstd": zstandard.compress(PLAIN),
    "age": sealed(PLAIN, KEY),
    "zstd in age": sealed(zstandard.compress(PLAIN), KEY),
}


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("name", WRAPPED)
async def test_what_a_dump_is_wrapped_in_is_undone(name: str, size: int) -> None:
    scratch, source = FakeScratch(), GivenDump(WRAPPED[name], size)

    await load_dump(source.blocks(), scratch, [KEY], None)

    assert scratch.texts == [LOADED]
    assert source.closed == 1


@pytest.mark.parametrize("name", WRAPPED)
async def test_what_is_cut_off_or_changed_in_its_wrapping_is_told(name: str) -> None:
    data = WRAPPED[name]
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for damaged in (data[: len(data) * 3 // 4], data[:-2], bytes(flipped)):
        scratch, source = FakeScratch(), GivenDump(damaged, 10)
        with pytest.raises(IntegrityError):
            await load_dump(source.blocks(), scratch, [KEY], None)
        assert (scratch.texts, source.closed) == ([], 1)


async def test_wrapping_has_an_end() -> None:
    data = PLAIN
    for _ in range(4):
        data = gzip.compress(data)

    with pytest.raises(RefusedError, match="again and again"):
        await load_dump(GivenDump(data).blocks(), FakeScratch(), [], None)


async def test_a_bomb_stops_where_the_disk_has_no_room_for_it() -> None:
    bomb = gzip.compress(PLAIN.partition(b"1\n")[0] + b"1\n" * 25_000_000)

    class Counting(FakeScratch):
        async def load_text(self, text: AsyncIterator[bytes]) -> None:
            async for block in text:
                self.texts.append(block)

    scratch = Counting()
    with pytest.raises(RefusedError, match="has no room"):
        await load_dump(GivenDump(bomb).blocks(), scratch, [], 10_000_000)

    assert sum(map(len, scratch.texts)) <= 5_000_000


async def test_a_file_that_is_not_there_is_told_as_it_is(world: RestoreWorld) -> None:
    class Missing(GivenDump):
        async def blocks(self) -> AsyncIterator[bytes]:
            raise ConfigError("open --dump: No such file")
            yield b""

    world.given = Missing(b"")

    with pytest.raises(ConfigError, match="No such file"):
        await world.restore(OF_A_DUMP)

    assert world.host.served() == {OLD}
