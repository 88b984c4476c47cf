"""`akbot update --check` and `--why` over fakes: what they ask, remember and say."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.errors import ConfigError, PortError, RefusedError
from bot.domain.image_name import parse_image_name
from bot.domain.jobs import JobState, Outcome
from bot.domain.registry_answers import RegistryImage
from bot.domain.release_feed import NewestRelease, Reason
from bot.domain.update_holds import BadVersion, HoldKind
from bot.domain.update_outlook import Outlook, Target
from bot.domain.version_file import VersionFile
from bot.domain.versions import Family, Version
from bot.entrypoints.render_update import check_lines, outlook_value, why_lines
from bot.services.update_check import UpdateCheck
from tests.contracts.state_places import a_job
from tests.fakes_journal import FakeJournal
from tests.fakes_stack import NOW, FakeClock, FakeEngine, make_stack
from tests.fakes_update import FakeFeed, FakeImages, FakeRegistry

DAY = timedelta(days=1)
TAGS = ("2025.2.1", "2025.2.4", "2025.4.1", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4")
NAME = parse_image_name("ghcr.io/goauthentik/server")


def image(tag: str, days: float = 30) -> RegistryImage:
    digest = f"sha256:{tag.replace('.', ''):0>64}"
    return RegistryImage(digest, 250_000_000, NOW - days * DAY, {})


@dataclass
class World:
    """A stack of 2025.2.1, and a registry that has more."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    registry: FakeRegistry = field(
        default_factory=lambda: FakeRegistry(NAME, {tag: image(tag) for tag in TAGS})
    )
    pulled: FakeImages = field(default_factory=FakeImages)
    feed: FakeFeed = field(default_factory=FakeFeed)
    journal: FakeJournal = field(default_factory=FakeJournal)
    clock: FakeClock = field(default_factory=FakeClock)

    def service(self) -> UpdateCheck:
        return UpdateCheck(
            self.engine,
            self.registry,
            self.pulled,
            self.feed,
            self.journal.releases,
            self.journal.jobs,
            self.clock,
            3 * DAY,
        )

    async def ask(self, wanted: str = "") -> Outlook:
        return await self.service().run(wanted)

    async def fails(self, tag: str, **changes: Any) -> None:
        digest = self.registry.images[tag].digest
        bad = BadVersion(tag, digest, NOW - DAY, "it was never ready")
        await self.journal.releases.remember_bad(NAME.place, replace(bad, **changes))


@pytest.fixture
def world() -> World:
    return World()


def way(outlook: Outlook) -> list[str]:
    return [str(each.version) for each in outlook.hops]


async def test_the_way_to_the_newest(world: World) -> None:
    world.registry.others = ["latest", "2025.10", "2026.2.0-rc1", "buildcache-amd64", "$(x)"]

    outlook = await world.ask()

    assert way(outlook) == ["2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4"]
    assert [each.digest for each in outlook.hops] == [
        world.registry.images[tag].digest for tag in way(outlook)
    ]
    assert (outlook.holds, outlook.doubts, outlook.passed_over) == ((), (), ())
    lines = check_lines(outlook)
    assert lines[0] == (
        "Authentik 2025.2.1 runs; the way to 2025.10.4 of ghcr.io/goauthentik/server goes in 5"
        " steps, each with its own check:"
    )
    assert "2. 2025.2.4 → 2025.4.4 (up to 250.0 MB to load)" in lines
    assert any(line.startswith("   must  check: Redis must run") for line in lines)
    assert any(line.startswith("   note  compose: Redis is used no more") for line in lines)
    notes = "   notes: https://github.com/goauthentik/authentik/releases/tag/version%2F2025.8.6"
    assert notes in lines
    assert lines[-1] == "Nothing holds it back."
    assert why_lines(outlook) == ["Nothing holds the update to 2025.10.4 back."]


async def test_the_way_to_a_version_that_was_asked_for(world: World) -> None:
    assert way(await world.ask("2025.4.1")) == ["2025.2.4", "2025.4.1"]


async def test_another_patch_than_the_newest(world: World) -> None:
    outlook = await world.ask("2025.4.1")

    assert str(outlook.newer_patch) == "2025.4.4"
    assert "2025.4.4 is newer, and of the same family: take that instead." in check_lines(outlook)
    await world.fails("2025.4.4")
    after = await world.ask("2025.4.1")
    assert (after.newer_patch, after.passed_over) == (None, ())


async def test_nothing_newer(world: World) -> None:
    world.registry.images = {"2025.2.1": image("2025.2.1")}

    outlook = await world.ask()

    assert outlook.up_to_date
    words = ["Authentik 2025.2.1 runs; ghcr.io/goauthentik/server has nothing newer to offer."]
    assert check_lines(outlook) == why_lines(outlook) == words


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        ("latest", ConfigError, "that tag moves"),
        ("2025.4", ConfigError, "is a family"),
        ("2025." * 2048, ConfigError, "is no version"),
        ("2025.4.4;reboot", ConfigError, "is no version"),
        ("2024.12.5", RefusedError, "is older than 2025.2.1"),
        ("2025.4.3", RefusedError, "the registry has no version 2025.4.3"),
    ],
)
async def test_what_is_refused(
    world: World, wanted: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        await world.ask(wanted)


async def test_a_registry_that_lacks_a_family(world: World) -> None:
    del world.registry.images["2025.6.4"]

    with pytest.raises(RefusedError, match=r"leads through 2025\.6, and the registry has no"):
        await world.ask()


async def test_a_stack_whose_version_nobody_knows(world: World) -> None:
    world.engine.disk.version = "2025.2.1+build"

    with pytest.raises(RefusedError, match=r"cannot tell which version .* 2025\.2\.1\+build"):
        await world.ask()


async def test_another_repository_than_the_registry_has(world: World) -> None:
    stack = make_stack()
    world.engine.stack = replace(
        stack, server=replace(stack.server, image="ghcr.io/somebody/else:2025.2.1")
    )

    with pytest.raises(PortError, match="somebody/else: there is no such repository"):
        await world.ask()


async def test_a_new_version_waits_until_it_is_known_for_a_while(world: World) -> None:
    assert not (await world.ask()).holds
    world.clock.at = NOW + 30 * DAY
    world.registry.images["2025.10.5"] = image("2025.10.5", days=300)

    outlook = await world.ask()

    (hold,) = outlook.holds
    assert (hold.kind, hold.until) == (HoldKind.TOO_FRESH, NOW + 33 * DAY)
    assert why_lines(outlook) == [
        "Held back until 2026-12-26 03:30 UTC: 2025.10.5 is known since 2026-12-23 03:30 UTC only",
        "  → Wait, or set AKBOT_UPDATE_MINIMUM_AGE to fewer days.",
    ]
    assert why_lines(outlook)[0] in check_lines(outlook)
    world.clock.at = NOW + 33 * DAY
    assert not (await world.ask()).holds


async def test_at_the_first_look_a_version_is_as_old_as_its_image(world: World) -> None:
    world.registry.images["2025.10.4"] = image("2025.10.4", days=1)

    (hold,) = (await world.ask()).holds

    assert hold.until == NOW + 2 * DAY


async def test_a_tag_that_was_moved_counts_anew(world: World) -> None:
    await world.ask()
    world.clock.at = NOW + 30 * DAY
    moved = replace(image("2025.10.4"), digest="sha256:" + "f" * 64)
    world.registry.images["2025.10.4"] = moved

    (hold,) = (await world.ask()).holds

    assert hold.until == NOW + 33 * DAY


async def test_a_security_release_is_offered_at_once_and_remembered(world: World) -> None:
    world.registry.images["2025.10.4"] = image("2025.10.4", days=0)
    world.feed.release = NewestRelease(Version(2025, 10, 4), Reason.SECURITY)

    outlook = await world.ask()

    assert not outlook.holds
    assert [each.security for each in outlook.hops] == [None] * 4 + [True]
    assert any("2025.10.4, a security release (" in line for line in check_lines(outlook))
    world.feed.release = NewestRelease(Version(2025, 12, 0), Reason.FEATURE)
    assert not (await world.ask()).holds


async def test_without_the_feed_it_is_said_what_is_not_known(world: World) -> None:
    world.feed.fail = PortError("ask version.test: no answer", hint="Look at the network.")

    outlook = await world.ask()

    assert len(outlook.hops) == 5
    words = (
        "Whether a release mends a security hole is not known: ask version.test: no answer."
        " Look at the network."
    )
    assert check_lines(outlook)[-1] == why_lines(outlook)[-1] == words


async def test_a_version_that_failed_here_is_not_offered_by_itself(world: World) -> None:
    await world.fails("2025.10.4")
    await world.fails("2025.4.4")

    outlook = await world.ask()

    assert way(outlook) == ["2025.2.4", "2025.4.1", "2025.6.4", "2025.8.6"]
    assert why_lines(outlook) == [
        "Nothing holds the update to 2025.8.6 back.",
        "Not offered: 2025.10.4 failed here on 2026-11-22: it was never ready",
    ]
    asked = await world.ask("2025.10.4")
    assert [each.kind for each in asked.holds] == [HoldKind.FAILED_HERE]


async def test_another_image_under_the_tag_that_failed_is_offered(world: World) -> None:
    await world.fails("2025.10.4", digest="sha256:" + "f" * 64)

    assert way(await world.ask())[-1] == "2025.10.4"


async def test_a_job_that_was_given_up_holds_everything_back(world: World) -> None:
    job = a_job()
    await world.journal.jobs.begin(job)
    stuck = Outcome(JobState.STUCK, "killed 3 times", swept=False)
    await world.journal.jobs.finish(job.id, stuck, NOW)

    outlook = await world.ask()

    assert why_lines(outlook)[0].startswith("Held back until you act: the backup")
    world.registry.images = {"2025.2.1": image("2025.2.1")}
    assert any("Held back until you act" in line for line in why_lines(await world.ask()))


async def test_a_tag_that_is_listed_and_not_there(world: World) -> None:
    world.registry.others = ["2025.10.5"]

    with pytest.raises(RefusedError, match=r"lists .*:2025\.10\.5 and does not have it"):
        await world.ask()


@pytest.mark.parametrize("code", ["away", "denied"])
async def test_a_registry_that_does_not_answer(world: World, code: str) -> None:
    world.registry.fail = PortError(f"ask the registry: {code}")

    with pytest.raises(PortError, match=code):
        await world.ask()


async def test_an_image_that_is_here_says_itself_what_it_follows(world: World) -> None:
    world.engine.disk.version = "2026.5.7"
    world.registry.images = {tag: image(tag) for tag in ("2026.5.7", "2026.8.3", "2026.11.0")}
    files = {
        tag: VersionFile(tag, Family(2026, month))
        for tag, month in (("2026.8.3", 5), ("2026.11.0", 8))
    }

    presumed = await world.ask()
    world.pulled.files = {image(tag).digest: file for tag, file in files.items()}
    said = await world.ask()

    assert [each.hop.presumed for each in presumed.hops] == [True, True]
    assert [each.hop.presumed for each in said.hops] == [False, False]
    assert way(said) == way(presumed) == ["2026.8.3", "2026.11.0"]
    world.pulled.files[image("2026.11.0").digest] = VersionFile("2026.11.0", Family(2026, 5))
    assert way(await world.ask()) == ["2026.11.0"]
    world.pulled.files[image("2026.11.0").digest] = VersionFile("2026.11.0", Family(2026, 2))
    with pytest.raises(RefusedError, match=r"takes only a database of 2026\.2 or its own family"):
        await world.ask()


async def test_for_programs(world: World) -> None:
    world.registry.images["2026.8.3"] = image("2026.8.3", days=0)
    world.engine.disk.version = "2025.10.4"
    del world.registry.images["2025.10.4"]
    for tag in ("2025.12.4", "2026.2.2", "2026.5.7"):
        world.registry.images[tag] = image(tag)

    value = outlook_value(await world.ask())

    assert (value["current"], value["target"]) == ("2025.10.4", "2026.8.3")
    assert [hop["to"] for hop in value["hops"]] == ["2025.12.4", "2026.2.2", "2026.5.7", "2026.8.3"]
    assert [hop["presumed"] for hop in value["hops"]] == [False, False, False, True]
    assert {each["area"] for each in value["hops"][0]["demands"]} == {"check", "compose", "files"}
    assert value["holds"][0]["kind"] == "too fresh"


async def test_what_somebody_may_want_and_what_holds_each_back(world: World) -> None:
    """The patch is ripe, the next family came yesterday, and to the newest there is no way."""
    del world.registry.images["2025.6.4"]
    world.registry.images["2025.4.4"] = image("2025.4.4", days=1)
    await world.fails("2025.4.1")

    patch, following, newest = await world.service().targets()

    assert patch == Target(version=Version(2025, 2, 4), steps=1)
    assert (str(following.version), following.steps) == ("2025.4.4", 2)
    assert (str(newest.version), newest.steps) == ("2025.10.4", 0)
    assert "the way leads through 2025.6, and the registry has no version" in newest.held
    assert following.held == "2025.4.4 is known since 2026-11-22 03:30 UTC only"

    world.feed.release = NewestRelease(Version(2025, 2, 4), Reason.SECURITY)
    patch, following, _ = await world.service().targets()
    assert patch.security
    assert not following.held, "a way over a security release waits for no age"


async def test_where_the_newest_runs_there_is_nothing_to_want(world: World) -> None:
    world.registry.images = {"2025.2.1": image("2025.2.1")}

    assert await world.service().targets() == []
