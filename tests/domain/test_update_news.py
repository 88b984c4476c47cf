"""What is news of a check, and what people have heard before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_news import NewRelease, Silence, news_of
from bot.domain.update_outlook import HopOutlook, Outlook, Target
from bot.domain.upgrade_path import Hop
from bot.domain.versions import Version

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, BETWEEN, NEW = Version(2025, 2, 1), Version(2025, 2, 4), Version(2025, 4, 4)


def hop(start: Version, end: Version, *, security: bool | None = None) -> HopOutlook:
    return HopOutlook(hop=Hop(start, end), digest="sha256:1", size=1, security=security)


def outlook(*, security: bool | None = None, of_first: bool | None = None) -> Outlook:
    way = (hop(OLD, BETWEEN, security=of_first), hop(BETWEEN, NEW, security=security))
    return Outlook(place="registry/server", current=OLD, target=NEW, hops=way, holds=())


STUCK = Hold(HoldKind.UNSETTLED, "the update x was given up", remedy="Look at it.")
HELD = replace(outlook(security=True), holds=(STUCK,))
TOLD, TOLD_AS_SECURITY = {"2025.4.4": False}, {"2025.4.4": True}


@pytest.mark.parametrize(
    ("seen", "told", "security"),
    [
        pytest.param(outlook(), {}, False, id="new"),
        pytest.param(outlook(), {"2025.2.4": False}, False, id="another was told"),
        pytest.param(outlook(), TOLD, None, id="told"),
        pytest.param(outlook(security=True), {}, True, id="security"),
        pytest.param(outlook(of_first=True), {}, True, id="security on the way"),
        pytest.param(outlook(security=True), TOLD, True, id="told, security since"),
        pytest.param(outlook(security=True), TOLD_AS_SECURITY, None, id="told as security"),
        pytest.param(outlook(security=False), TOLD_AS_SECURITY, None, id="security no more"),
        pytest.param(replace(outlook(), hops=(), target=OLD), {}, None, id="nothing newer"),
        pytest.param(
            replace(outlook(), holds=(Hold(HoldKind.TOO_FRESH, "too fresh", NOW),)),
            {},
            None,
            id="held back",
        ),
        pytest.param(HELD, {}, True, id="security, held back"),
        pytest.param(HELD, TOLD_AS_SECURITY, None, id="security, held back, told"),
    ],
)
def test_what_is_told(seen: Outlook, told: dict[str, bool], *, security: bool | None) -> None:
    news = news_of(seen, told)

    assert (news.security if news else None) == security


def test_what_it_says() -> None:
    assert news_of(outlook(), {}) == NewRelease(
        place="registry/server",
        current="2025.2.1",
        target="2025.4.4",
        steps=2,
        notes=NEW.notes,
        security=False,
    )


@pytest.mark.parametrize(
    ("silence", "is_news"),
    [
        (Silence(NOW), False),
        (Silence(NOW - 3 * DAY + timedelta(seconds=1)), False),
        (Silence(NOW - 3 * DAY), True),
        (Silence(NOW - 30 * DAY, told=True), False),
        (Silence(NOW + DAY), False),
    ],
)
def test_a_silence_is_news_after_three_days_and_once(silence: Silence, *, is_news: bool) -> None:
    assert silence.is_news(NOW) == is_news


@pytest.mark.parametrize(
    ("security", "words"),
    [
        (False, 'Authentik 2025.4.4 is out: "akbot update" shows the way'),
        (True, 'Authentik 2025.4.4 is out, a security release: "akbot update" shows the way'),
    ],
)
def test_it_is_told_in_a_sentence(words: str, *, security: bool) -> None:
    found = news_of(outlook(security=security), {})

    assert found
    assert found.words == words


def test_what_holds_a_security_release_back_is_told_with_it() -> None:
    found = news_of(HELD, {})

    assert found
    assert found.holds == (STUCK,)
    assert found.words == (
        "Authentik 2025.4.4 is out, a security release, but held back:"
        ' the update x was given up: "akbot update --why" tells what to do'
    )


def test_what_whoever_chooses_a_version_needs_to_know() -> None:
    holds = tuple(Hold(HoldKind.TOO_FRESH, words, NOW) for words in ("too fresh", "too far"))

    assert outlook().as_target == Target(version=NEW, steps=2)
    assert replace(outlook(of_first=True), holds=holds).as_target == Target(
        version=NEW, steps=2, security=True, held="too fresh; too far"
    )
