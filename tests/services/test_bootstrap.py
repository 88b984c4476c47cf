"""A restore on an empty host: what it lays, what it refuses, and that it goes on after a kill."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot import age
from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BotError, ConfigError, IntegrityError, PortError, RefusedError
from bot.domain.jobs import JobState, Trigger
from bot.domain.pause import RESTORED, parse_pause
from bot.entrypoints import render_bootstrap
from tests.fakes_bootstrap import DATABASE, PLACE, STATE
from tests.fakes_restore import NEW
from tests.services.bootstrap_world import (
    BOOTSTRAP,
    IDENTITY_FILE,
    SIGNING_KEY,
    BootstrapWorld,
    disagree,
    empty_world,
    process,
)
from tests.services.mortal import KilledError, Life
from tests.services.world import COMMAND

MOST_WRITES = 60


def is_whole(world: BootstrapWorld) -> None:
    host, ground = world.host, world.ground
    assert host.served() == {NEW}
    assert set(host.running) == {"authentik", "worker"}
    assert not host.left_over()
    assert "authentik" not in host.fenced
    assert set(world.place.files) - {RESTORED} == {"docker-compose.yml", ".env", "akbot.env"}
    assert ground.up_ == {"postgresql", "redis"}
    assert ground.roles[0].startswith("DO 'BEGIN IF NOT EXISTS")
    if "bot" in ground.config["services"]:
        assert set(ground.written[STATE]) == {"paused", "identity.txt", "signing.key"}
    is_held_back(world)
    assert "was restored on a new host" in mark_of(world)


def is_held_back(world: BootstrapWorld) -> None:
    """Wherever a bot finds its settings it finds that it is paused."""
    if "akbot.env" in world.place.files:
        assert (RESTORED in world.place.files) != ("paused" in world.ground.written.get(STATE, {}))


def serves_nothing_empty(world: BootstrapWorld) -> None:
    """Whoever came first to an empty Authentik would be its administrator."""
    assert not world.host.running or world.host.databases["authentik"] == NEW


def untouched(world: BootstrapWorld) -> None:
    ground = world.ground
    assert [world.host.running, ground.written, world.place.files] == [{}, {}, {}]
    assert not ground.up_


async def test_an_empty_host_gets_the_stack_and_its_bot_is_paused() -> None:
    world = await empty_world()

    done = await world.bootstrap()

    is_whole(world)
    [job] = await world.journal.jobs(1)
    assert (job.state, job.message) == (JobState.DONE, done.words)
    assert (done.version, done.place, done.command) == ("2025.2.1", PLACE, "docker compose")
    files = world.ground.written[STATE]
    assert "the old may still live" in parse_pause(files["paused"]).reason
    signs = f"# akbot signing key: {world.keyring.public_key}\n".encode()
    assert files["identity.txt"] == signs + IDENTITY_FILE, "its holder trusts the new host, too"
    assert files["signing.key"] == SIGNING_KEY
    [signer] = world.keyring.other_trusted
    own = world.place.files["akbot.env"].content.decode()
    assert f"AKBOT_TRUSTED_KEYS={signer}\n" in own


@pytest.mark.parametrize("own", [b"AKBOT_RECIPIENTS=age1x\n", b"AKBOT_IDENTITY_FILE=/keys/x\n"])
async def test_the_key_goes_only_where_it_was(own: bytes) -> None:
    world = await empty_world(own)

    await world.bootstrap()

    assert set(world.ground.written[STATE]) == {"paused", "signing.key"}
    named = [each for each in world.previews[0].warnings if "/keys/x" in each]
    assert bool(named) is (b"IDENTITY" in own)


async def test_a_bot_that_is_no_service_waits_too_and_its_key_is_left_to_a_person() -> None:
    world = await empty_world()
    del world.ground.config["services"]["bot"]

    done = await world.bootstrap()

    assert (done.has_bot, world.ground.written) == (False, {})
    mark = world.place.files[RESTORED]
    assert "the old may still live" in parse_pause(mark.content).reason
    assert mark.mode == 0o600
    told = "\n".join(render_bootstrap.preview_lines(world.previews[0]))
    assert "none gets a key" in told
    assert "schedules and chat stay paused" in told
    after = "\n".join(render_bootstrap.done_lines(done))
    assert "docker compose -f deploy/compose.bot.yml exec bot akbot resume" in after
    assert "as identity.txt" in after


def mark_of(world: BootstrapWorld) -> str:
    """Why the bot of that host is held back, as `check` and `status` say it."""
    beside = world.place.files.get(RESTORED)
    return parse_pause(beside.content if beside else world.ground.written[STATE]["paused"]).words


@pytest.mark.parametrize("has_bot", [True, False], ids=["a service", "none"])
@pytest.mark.parametrize("call", ["up", "make roles", "load", "swap", "start"])
async def test_what_is_not_finished_is_not_called_restored(
    call: str,
    has_bot: bool,  # noqa: FBT001
) -> None:
    world = await empty_world()
    if not has_bot:
        del world.ground.config["services"]["bot"]
    world.host.fails = {call}

    with pytest.raises(PortError):
        await world.bootstrap()

    assert "was begun on this new host" in mark_of(world)
    assert "the same command" in mark_of(world)
    assert "was restored" not in mark_of(world)
    world.host.fails = set()
    done = await world.bootstrap()
    assert f"backup {done.backup} was restored on a new host, and the old" in mark_of(world)
    assert "begun" not in mark_of(world)


async def test_where_there_is_no_room_it_is_said_what_to_do_about_it() -> None:
    world = await empty_world()
    world.host.free = 1

    with pytest.raises(PortError) as failed:
        await world.bootstrap()

    assert "Make room there" in failed.value.hint
    assert "deploy/RUNBOOK.md" in failed.value.hint
    assert "Nothing was changed" not in failed.value.hint


@pytest.mark.parametrize("wanted", ["2019", "20311231T000000Z-zzzz"])
async def test_a_backup_that_is_not_there_is_answered_with_those_that_are(wanted: str) -> None:
    world = await empty_world()
    newest, *_ = await world.records()

    with pytest.raises(RefusedError, match=f'there is no backup "{wanted}"') as refused:
        await world.bootstrap(replace(BOOTSTRAP, backup=wanted))

    assert newest.id in refused.value.hint
    assert "akbot backups" not in refused.value.hint
    untouched(world)


async def test_nor_is_a_command_named_that_is_not_there_where_only_safety_backups_are() -> None:
    world = await empty_world()
    world.store.objects.clear()
    safety = await world.run(replace(COMMAND, trigger=Trigger.SAFETY))

    with pytest.raises(RefusedError, match=f"no good backup but safety backups.*{safety.id}") as no:
        await world.bootstrap()

    assert safety.id in no.value.hint
    assert "--undo" not in no.value.hint


async def test_nothing_is_done_without_a_persons_word() -> None:
    world = await empty_world()

    with pytest.raises(RefusedError, match="not confirmed"):
        await world.bootstrap(confirm=disagree)

    untouched(world)
    [preview] = world.previews
    assert [each.name for each in preview.project.files][:1] == ["docker-compose.yml"]


async def test_what_will_be_done_is_said_and_no_secret_with_it() -> None:
    world = await empty_world()
    done = await world.bootstrap()
    [preview] = world.previews

    told = "\n".join(render_bootstrap.preview_lines(preview))
    value = json.dumps(render_bootstrap.preview_value(preview))
    after = "\n".join(render_bootstrap.done_lines(done))

    for words in (done.backup, PLACE, "docker-compose.yml", DATABASE, "stay paused"):
        assert words in told
    assert "changed: akbot.env: AKBOT_TRUSTED_KEYS is set to ed25519:" in told
    assert DATABASE in value
    assert f"cd {PLACE} && docker compose exec bot akbot resume" in after
    assert "planted" not in told + value + after + repr(preview) + repr(world.service())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.place.others.update({"notes.txt": "x"}), '"notes.txt" is in it'),
        (lambda w: w.place.others.update({"docker-compose.yml": "x"}), "is not empty"),
        (lambda w: w.ground.strangers.append("authentik"), 'a container "authentik"'),
        (lambda w: w.ground.full.add(DATABASE), f'"{DATABASE}" is not empty'),
        (lambda w: w.ground.full.add(STATE), f'"{STATE}" is not empty'),
        (lambda w: w.ground.config["services"].pop("postgresql"), "no service"),
    ],
    ids=["folder", "same name", "container", "database", "state", "another stack"],
)
async def test_what_is_there_is_never_written_over(change: object, words: str) -> None:
    world = await empty_world()
    change(world)  # type: ignore[operator]

    with pytest.raises(RefusedError, match=words):
        await world.bootstrap()

    untouched(world)
    assert not world.previews
    with pytest.raises(RefusedError, match=words):
        await world.service().preview(BOOTSTRAP)


async def test_of_several_stacks_one_is_named() -> None:
    world = await empty_world()
    key = "other/20300101T000000Z-aaaa/manifest.json"
    world.store.objects[key] = b"{}"

    with pytest.raises(ConfigError, match="several stacks; it has authentik, other"):
        await world.bootstrap()
    with pytest.raises(ConfigError, match='none of "nobody"'):
        await replace(world, stack_name="nobody").bootstrap()
    untouched(world)
    await replace(world, stack_name="authentik").bootstrap()

    is_whole(world)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"config", "media"}, "has no database"),
        ({"postgres", "media"}, "has no compose files and settings"),
    ],
)
async def test_a_part_of_a_stack_makes_none(parts: set[str], words: str) -> None:
    """Above all not an Authentik without its database, whose administrator were the first comer."""
    world = await empty_world(components=frozenset(parts))
    [backup] = {key.split("/")[1] for key in world.store.objects}

    with pytest.raises(RefusedError, match=words):
        await world.bootstrap(replace(BOOTSTRAP, backup=backup))

    untouched(world)


async def test_an_empty_store_is_told() -> None:
    world = await empty_world()
    world.store.objects.clear()

    with pytest.raises(ConfigError, match="no backup in this store"):
        await world.bootstrap()


async def test_a_stranger_who_signed_it_is_named_and_can_be_trusted() -> None:
    world = await empty_world()
    [signer] = world.keyring.other_trusted
    alone = replace(world, keyring=replace(world.keyring, other_trusted=frozenset()))

    with pytest.raises(RefusedError, match="unknown key") as refused:
        await alone.bootstrap()

    assert signer in str(refused.value)
    assert "--trust" in refused.value.hint
    untouched(world)
    await alone.bootstrap(replace(BOOTSTRAP, trust=signer))
    is_whole(world)


async def test_what_is_newer_and_of_an_unknown_host_is_told() -> None:
    world = await empty_world()
    other = replace(world, keyring=replace(world.keyring, signing_key=Ed25519PrivateKey.generate()))
    other.clock.at = other.clock.at.replace(year=2027)
    await other.run()

    done = await world.bootstrap()

    assert done.backup.startswith("2026")
    [warning] = [each for each in world.previews[0].warnings if "is newer" in each]
    assert f'signed by the unknown key "{other.keyring.public_key}"' in warning


async def test_a_manifest_that_was_changed_is_refused() -> None:
    world = await empty_world()
    [key] = [key for key in world.store.objects if key.endswith("manifest.json")]
    world.store.objects[key] = world.store.objects[key].replace(b'"created"', b'"Created"')

    with pytest.raises(RefusedError, match="was changed"):
        await world.bootstrap()

    untouched(world)


async def test_the_wrong_key_opens_nothing() -> None:
    world = await empty_world()
    wrong = replace(world.keyring, identities=[age.X25519Identity.generate()])

    with pytest.raises(IntegrityError, match='component "config"'):
        await replace(world, keyring=wrong).bootstrap()

    untouched(world)


@pytest.mark.parametrize("bot", ["in it", "beside"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_write_the_same_command_makes_it_whole(
    tmp_path: Path,
    after: bool,  # noqa: FBT001
    bot: str,
) -> None:
    went_on = set()
    for dies_at in range(1, MOST_WRITES):
        journal = Journal(StateFolder(tmp_path / f"state-{dies_at}"))
        world = await empty_world()
        if bot == "beside":
            del world.ground.config["services"]["bot"]
        try:
            await process(world, journal, Life(dies_at, after)).bootstrap()
        except KilledError:
            serves_nothing_empty(world)
            is_held_back(world)
            served = dict(world.host.running)
            await process(world, journal, Life()).bootstrap()
            went_on.add(bool(served))
            is_whole(world)
            assert not await journal.jobs.open_jobs()
        else:
            await journal.close()
            break
        await journal.close()
    else:
        pytest.fail("it never came to its end")
    assert went_on == {False, True}


async def test_each_failure_leaves_nothing_that_serves_and_the_same_command_goes_on(
    tmp_path: Path,
) -> None:
    first = await empty_world()
    await first.bootstrap()
    calls = list(dict.fromkeys(first.host.calls))
    for number, failing in enumerate(calls):
        journal = Journal(StateFolder(tmp_path / f"{number}"))
        world = await empty_world(journal=journal.jobs)
        world.host.fails = {failing}
        with pytest.raises(BotError, match=failing):
            await world.bootstrap()
        serves_nothing_empty(world)
        world.host.fails = set()

        await world.bootstrap()

        is_whole(world)
        assert not await journal.jobs.open_jobs(), failing
        await journal.close()


async def test_what_does_not_hold_is_taken_away_again(journal: Journal) -> None:
    world = await empty_world(journal=journal.jobs)
    world.host.well = set()

    with pytest.raises(PortError, match="was not well within"):
        await world.bootstrap()

    assert not world.host.running
    assert not world.host.left_over()
    [job] = await journal.jobs.jobs()
    assert "the same command begins again" in job.message
    world.host.well = {NEW}
    await world.bootstrap()
    is_whole(world)


async def died_after_start(world: BootstrapWorld, journal: Journal, elsewhere: Path) -> None:
    other = Journal(StateFolder(elsewhere))
    life = Life()
    await process(await empty_world(), other, life).bootstrap()
    await other.close()
    last = max(number for number, name in enumerate(life.writes, 1) if name == "step")
    with pytest.raises(KilledError):
        await process(world, journal, Life(last)).bootstrap()
    assert world.host.running


async def test_what_people_wrote_after_a_kill_stays(journal: Journal, tmp_path: Path) -> None:
    world = await empty_world()
    await died_after_start(world, journal, tmp_path / "other")
    world.host.write()

    await process(world, journal, Life()).bootstrap()

    assert world.host.databases["authentik"] == "new+"
    assert not world.host.left_over()


async def test_what_people_may_have_written_to_is_not_taken_away(
    journal: Journal, tmp_path: Path
) -> None:
    world = await empty_world()
    await died_after_start(world, journal, tmp_path / "other")
    world.host.write()
    world.host.well = set()

    with pytest.raises(RefusedError, match="was started, but the stack was not well"):
        await process(world, journal, Life()).bootstrap()

    assert world.host.databases["authentik"] == "new+"
    world.host.well = {NEW}
    await process(world, journal, Life()).bootstrap()
    assert world.host.databases["authentik"] == "new+"


async def test_nor_after_a_failure_that_could_not_be_cleaned_away(journal: Journal) -> None:
    """Docker goes away while it waits for the gate, and comes back with the containers up."""
    world = await empty_world(journal=journal.jobs)
    world.host.well = set()
    world.host.outages = {"end sessions": 1_000_000}
    with pytest.raises(PortError):
        await world.bootstrap()
    world.host.away = 0
    world.host.write()

    with pytest.raises(RefusedError, match="was started, but the stack was not well"):
        await world.bootstrap()

    assert world.host.databases["authentik"] == "new+"
    world.host.well = {NEW}
    await world.bootstrap()
    assert world.host.databases["authentik"] == "new+"
    is_whole(world)


async def killed_while_it_starts(world: BootstrapWorld, journal: Journal) -> None:
    """After it has laid all files."""
    with pytest.raises(KilledError):
        await process(world, journal, Life(6)).bootstrap()
    assert world.place.files


async def test_it_goes_on_with_the_backup_that_it_began_with(journal: Journal) -> None:
    world = await empty_world()
    await killed_while_it_starts(world, journal)
    [begun] = {key.split("/")[1] for key in world.store.objects}
    world.clock.at = world.clock.at.replace(year=2027)
    await world.run()

    with pytest.raises(RefusedError, match=f"a bootstrap of backup {begun} was begun here"):
        await process(world, journal, Life()).bootstrap(replace(BOOTSTRAP, backup="2027"))
    done = await process(world, journal, Life()).bootstrap()

    assert done.backup == begun


async def test_a_file_that_somebody_changed_meanwhile_is_not_written_over(
    journal: Journal,
) -> None:
    world = await empty_world()
    await killed_while_it_starts(world, journal)
    world.place.others[".env"] = "changed"

    with pytest.raises(RefusedError, match="not as the bootstrap before has written it"):
        await process(world, journal, Life()).bootstrap()
