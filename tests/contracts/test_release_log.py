"""What is remembered of images, in the fake and in the real journal."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.journal import Journal
from bot.adapters.state_folder import StateFolder
from bot.domain.release_feed import NewestRelease, Reason
from bot.domain.update_holds import BadVersion, FirstSeen
from bot.domain.update_news import Silence
from bot.domain.versions import Version
from bot.services.update_ports import ReleaseLog
from tests.contracts.state_places import NOW
from tests.fakes_journal import FakeJournal

PLACE, ELSEWHERE = "ghcr.io/goauthentik/server", "127.0.0.1:5000/goauthentik/server"
DAY = timedelta(days=1)
ONE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64


@pytest.fixture(params=["fake", "sqlite"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ReleaseLog]:
    fake = request.param == "fake"
    journal = FakeJournal() if fake else Journal(StateFolder(tmp_path / "state"))
    yield journal.releases
    await journal.close()


async def test_all_tags_that_were_ever_seen(log: ReleaseLog) -> None:
    assert not await log.tags(PLACE)
    await log.note_tags(PLACE, ["2025.2.1", "2025.2.4"], NOW)
    await log.note_tags(PLACE, ["2025.2.4", "2025.4.1"], NOW + DAY)
    await log.note_tags(ELSEWHERE, ["2026.2.0"], NOW)

    assert set(await log.tags(PLACE)) == {"2025.2.1", "2025.2.4", "2025.4.1"}


async def test_the_first_look_is_told_from_later_ones(log: ReleaseLog) -> None:
    await log.note_tags(PLACE, ["2025.2.1", "2025.2.4"], NOW)
    await log.note_tags(PLACE, ["2025.2.1", "2025.2.4", "2025.4.1"], NOW + DAY)
    await log.note_tags(ELSEWHERE, ["2025.4.1"], NOW + 2 * DAY)

    later = NOW + 9 * DAY
    assert await log.first_seen(PLACE, "2025.2.4", ONE, later) == FirstSeen(NOW, at_first_look=True)
    assert await log.first_seen(PLACE, "2025.4.1", ONE, later) == FirstSeen(NOW + DAY)
    assert await log.first_seen(ELSEWHERE, "2025.4.1", ONE, later) == FirstSeen(
        NOW + 2 * DAY, at_first_look=True
    )


async def test_a_tag_that_means_another_image_counts_anew(log: ReleaseLog) -> None:
    await log.note_tags(PLACE, ["2025.2.4"], NOW)
    first = await log.first_seen(PLACE, "2025.2.4", ONE, NOW)

    assert await log.first_seen(PLACE, "2025.2.4", OTHER, NOW + DAY) == FirstSeen(NOW + DAY)
    assert await log.first_seen(PLACE, "2025.2.4", OTHER, NOW + 9 * DAY) == FirstSeen(NOW + DAY)
    assert await log.first_seen(PLACE, "2025.2.4", ONE, NOW + 9 * DAY) == first


async def test_an_image_whose_tag_was_never_listed(log: ReleaseLog) -> None:
    assert await log.first_seen(PLACE, "2025.2.4", ONE, NOW) == FirstSeen(NOW)
    assert await log.first_seen(PLACE, "2025.2.4", ONE, NOW + DAY) == FirstSeen(NOW)


async def test_what_failed_is_remembered_by_place_tag_and_digest(log: ReleaseLog) -> None:
    early = BadVersion("2025.4.1", ONE, NOW, "it was never ready")
    late = BadVersion("2025.4.4", ONE, NOW + DAY, "Zoë's login ended in an error 🦊")
    await log.remember_bad(PLACE, early)
    await log.remember_bad(PLACE, late)
    await log.remember_bad(ELSEWHERE, early)
    again = BadVersion("2025.4.1", ONE, NOW + 2 * DAY, "it died")
    await log.remember_bad(PLACE, again)

    assert await log.bad(PLACE) == [again, late]
    assert await log.bad(ELSEWHERE) == [early]
    assert await log.bad("docker.io/authentik/server") == []


async def test_why_releases_were_made(log: ReleaseLog) -> None:
    await log.note_reason(NewestRelease(Version(2026, 8, 2), Reason.SECURITY))
    await log.note_reason(NewestRelease(Version(2026, 8, 3), Reason.FEATURE))
    await log.note_reason(NewestRelease(Version(2026, 8, 3), Reason.BUGFIX))

    assert await log.reasons() == {
        Version(2026, 8, 2): Reason.SECURITY,
        Version(2026, 8, 3): Reason.BUGFIX,
    }


async def test_what_people_were_told(log: ReleaseLog) -> None:
    assert await log.told(PLACE) == {}
    await log.note_told(PLACE, "2025.4.4", NOW, security=False)
    await log.note_told(PLACE, "2025.6.1", NOW, security=True)
    await log.note_told(ELSEWHERE, "2025.8.1", NOW, security=False)
    await log.note_told(PLACE, "2025.4.4", NOW + DAY, security=True)

    assert await log.told(PLACE) == {"2025.4.4": True, "2025.6.1": True}


async def test_a_silence_begins_at_the_first_look_and_ends_with_an_answer(log: ReleaseLog) -> None:
    assert await log.silence(NOW) == Silence(NOW)
    assert await log.silence(NOW + DAY) == Silence(NOW)
    await log.note_silence_told()
    assert await log.silence(NOW + 2 * DAY) == Silence(NOW, told=True)
    await log.note_answer(NOW + 3 * DAY)
    assert await log.silence(NOW + 4 * DAY) == Silence(NOW + 3 * DAY)


async def test_an_answer_before_any_silence(log: ReleaseLog) -> None:
    await log.note_silence_told()
    await log.note_answer(NOW)

    assert await log.silence(NOW + DAY) == Silence(NOW)
