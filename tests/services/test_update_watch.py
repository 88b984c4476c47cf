"""Looking for new versions by the clock: each is told once, over any restart."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BotError, PortError, RefusedError
from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_news import NewRelease, News, NoAnswer
from bot.domain.update_outlook import Outlook
from bot.domain.versions import Version
from bot.services.update_ports import ReleaseLog
from bot.services.update_watch import UpdateWatch
from tests.domain.test_update_news import hop, outlook
from tests.fakes_journal import FakeJournal
from tests.fakes_stack import NOW, FakeClock

DAY = timedelta(days=1)
AWAY = PortError("ask the registry for its tags: no answer", hint="Look at the network.")


@dataclass
class World:
    """A registry of which the test tells what it says, and people who hear."""

    log: ReleaseLog = field(default_factory=lambda: FakeJournal().releases)
    clock: FakeClock = field(default_factory=FakeClock)
    seen: Outlook | BotError = field(default_factory=outlook)
    heard: list[News] = field(default_factory=list)
    deaf: BotError | None = None

    async def look(self) -> None:
        await UpdateWatch(self._check, self.log, self.clock, self._hear).look()

    async def looks_in_vain(self) -> None:
        with pytest.raises(BotError):
            await self.look()

    async def _check(self) -> Outlook:
        if isinstance(self.seen, BotError):
            raise self.seen
        return self.seen

    async def _hear(self, news: News) -> None:
        if self.deaf:
            raise self.deaf
        self.heard.append(news)


async def test_each_version_is_told_once() -> None:
    world = World()
    await world.look()
    await world.look()
    newer = Version(2025, 4, 5)
    world.seen = replace(outlook(), target=newer, hops=(hop(Version(2025, 2, 1), newer),))
    await world.look()

    assert [each.target for each in world.heard if isinstance(each, NewRelease)] == [
        *("2025.4.4", "2025.4.5")
    ]


async def test_a_restart_tells_nothing_twice(tmp_path: Path) -> None:
    heard = []
    for _ in range(3):
        journal = Journal(StateFolder(tmp_path / "state"))
        world = World(log=journal.releases)
        await world.look()
        heard += world.heard
        await journal.close()

    assert len(heard) == 1


async def test_what_could_not_be_told_is_told_the_next_time() -> None:
    world = World(deaf=PortError("write the journal: no space left"))
    with pytest.raises(PortError):
        await world.look()
    world.deaf = None
    await world.look()

    assert len(world.heard) == 1


async def test_a_security_release_that_was_told_before_is_told_as_such() -> None:
    world = World()
    await world.look()
    world.seen = outlook(security=True)
    await world.look()
    await world.look()

    assert [each.security for each in world.heard if isinstance(each, NewRelease)] == [False, True]


async def test_a_security_release_is_told_while_a_job_is_stuck_and_only_once() -> None:
    stuck = Hold(HoldKind.UNSETTLED, "the update x was given up")
    world = World(seen=replace(outlook(), holds=(stuck,)))
    await world.look()
    assert world.heard == [], "no other release is"

    for holds in ((stuck,), (stuck,), ()):
        world.seen = replace(outlook(security=True), holds=holds)
        await world.look()

    assert [each.holds for each in world.heard if isinstance(each, NewRelease)] == [(stuck,)]


async def test_a_registry_that_is_away_is_told_once_after_three_days() -> None:
    world = World()
    await world.look()
    world.heard.clear()
    world.seen = AWAY
    for days in (1, 2, 3, 4, 9):
        world.clock.at = NOW + days * DAY
        await world.looks_in_vain()
        assert len(world.heard) == (1 if days >= 3 else 0), days

    assert world.heard == [NoAnswer(NOW, AWAY.in_full())]


async def test_the_silence_of_a_registry_that_never_answered_begins_at_the_first_look() -> None:
    world = World(seen=RefusedError("the image is no Authentik"))
    for days in (0, 2, 3):
        world.clock.at = NOW + days * DAY
        await world.looks_in_vain()

    assert world.heard == [NoAnswer(NOW, "the image is no Authentik")]


async def test_after_an_answer_another_silence_is_told_anew() -> None:
    world = World()
    days: list[Outlook | BotError] = [*[AWAY] * 4, outlook(), *[AWAY] * 3]
    for day, seen in enumerate(days):
        world.seen = seen
        world.clock.at = NOW + day * DAY
        await (world.looks_in_vain() if isinstance(seen, BotError) else world.look())

    assert [type(each) for each in world.heard] == [NoAnswer, NewRelease, NoAnswer]
    assert world.heard[-1] == NoAnswer(NOW + 4 * DAY, AWAY.in_full())


async def test_a_registry_that_is_away_is_an_error_so_that_it_is_asked_again() -> None:
    world = World(seen=AWAY)
    with pytest.raises(PortError, match="ask the registry for its tags"):
        await world.look()
