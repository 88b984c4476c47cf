"""The way from version to version, by the rules that Authentik itself has."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import RefusedError
from bot.domain.hop_demands import DEMANDS, Area
from bot.domain.upgrade_path import (
    FIRST_TO_SAY,
    LINE,
    Offer,
    newer_patch,
    newest,
    plan_path,
    sensible_targets,
)
from bot.domain.versions import Family, Version, releases

REAL = releases(
    [
        *("2024.12.5", "2025.2.0", "2025.2.1", "2025.2.4", "2025.4.1", "2025.4.4", "2025.6.4"),
        *("2025.8.6", "2025.10.4", "2025.12.4", "2026.2.2", "2026.5.7", "2026.8.3"),
    ]
)
LATER = Version(2026, 11, 0)


def version(text: str) -> Version:
    (found,) = releases([text])
    return found


def way(
    start: str,
    end: str,
    offered: list[Version] = REAL,
    *,
    bad: tuple[str, ...] = (),
    said: Mapping[str, str] = {},
) -> list[str]:
    offer = Offer(
        offered,
        said={version(tag): Family(*map(int, family.split("."))) for tag, family in said.items()},
        bad=[version(tag) for tag in bad],
    )
    return [str(hop.end) for hop in plan_path(version(start), version(end), offer)]


@pytest.mark.parametrize(
    ("current", "bad", "targets"),
    [
        ("2025.2.1", (), ["2025.2.4", "2025.4.4", "2026.8.3"]),
        ("2025.2.4", (), ["2025.4.4", "2026.8.3"]),
        ("2025.2.1", ("2025.2.4", "2025.4.4"), ["2025.4.1", "2026.8.3"]),
        ("2025.4.1", ("2025.6.4", "2026.8.3"), ["2025.4.4", "2025.8.6", "2026.5.7"]),
        ("2026.5.7", (), ["2026.8.3"]),
        ("2026.8.3", (), []),
    ],
)
def test_what_somebody_may_want(current: str, bad: tuple[str, ...], targets: list[str]) -> None:
    offer = Offer(REAL, bad=[version(each) for each in bad])

    assert [str(each) for each in sensible_targets(offer, version(current))] == targets


@pytest.mark.parametrize(
    ("start", "end", "stops"),
    [
        pytest.param("2025.2.1", "2025.2.1", [], id="it runs already"),
        pytest.param("2025.2.0", "2025.2.1", ["2025.2.1"], id="patch to patch is direct"),
        pytest.param("2025.2.4", "2025.4.1", ["2025.4.1"], id="the next family"),
        pytest.param(
            "2025.2.1", "2025.4.1", ["2025.2.4", "2025.4.1"], id="first its own newest patch"
        ),
        pytest.param(
            "2025.2.1",
            "2025.10.4",
            ["2025.2.4", "2025.4.4", "2025.6.4", "2025.8.6", "2025.10.4"],
            id="the newest patch of each family between",
        ),
        pytest.param(
            "2025.10.4",
            "2026.8.3",
            ["2025.12.4", "2026.2.2", "2026.5.7", "2026.8.3"],
            id="over the years; there is no 2026.10",
        ),
    ],
)
def test_the_way(start: str, end: str, stops: list[str]) -> None:
    assert way(start, end) == stops


def test_a_version_that_failed_here_is_no_stop_where_there_is_another() -> None:
    assert way("2025.2.4", "2025.6.4", bad=("2025.4.4",)) == ["2025.4.1", "2025.6.4"]
    assert way("2025.2.1", "2025.4.1", bad=("2025.2.4",)) == ["2025.4.1"]
    assert way("2025.2.4", "2025.4.4", bad=("2025.4.4",)) == ["2025.4.4"], "a person asks for it"


@pytest.mark.parametrize(
    ("target", "bad", "found"),
    [
        pytest.param("2025.2.1", (), "2025.2.4", id="the newest"),
        pytest.param("2025.2.4", (), None, id="it is that itself"),
        pytest.param("2025.2.1", ("2025.2.4",), None, id="a newer one failed here"),
        pytest.param("2025.2.0", ("2025.2.4",), "2025.2.1", id="one between will do"),
        pytest.param("2025.2.0", ("2025.2.4", "2025.2.1", "2025.2.0"), None, id="all failed"),
        pytest.param("2025.3.1", (), None, id="a family of which there is none"),
    ],
)
def test_a_newer_patch_of_the_family(target: str, bad: tuple[str, ...], found: str | None) -> None:
    offer = Offer(REAL, bad=[version(tag) for tag in bad])

    assert newer_patch(offer, version(target)) == (version(found) if found else None)


GO_BACK = 'To go back, restore a backup of that version: "akbot restore".'
NO_SKIP = "Authentik forbids to skip a family."


@pytest.mark.parametrize(
    ("start", "end", "missing", "words", "hint"),
    [
        pytest.param(
            "2025.4.1", "2025.2.4", [], "2025.2.4 is older than 2025.4.1", GO_BACK, id="a downgrade"
        ),
        pytest.param("2025.4.1", "2025.4.0", [], "is older than", GO_BACK, id="a patch back"),
        pytest.param(
            "2025.2.1",
            "2025.4.3",
            [],
            "registry has no version 2025.4.3",
            '"akbot update --check" shows what it has.',
            id="no tag",
        ),
        pytest.param(
            "2025.2.1",
            "2025.6.4",
            ["2025.4.1", "2025.4.4"],
            "from 2025.2.1 to 2025.6.4 the way leads through 2025.4, and the registry has no",
            f"{NO_SKIP} Look at AKBOT_REGISTRY_ENDPOINT, if it is set: a mirror may lack it.",
            id="a family is missing",
        ),
        pytest.param(
            "2024.10.1",
            "2025.2.4",
            [],
            "no way from 2024.10.1 to 2024.12.5: akbot knows no family before 2024.12",
            NO_SKIP,
            id="too old",
        ),
    ],
)
def test_where_there_is_no_way(
    start: str, end: str, missing: list[str], words: str, hint: str
) -> None:
    offered = [each for each in REAL if str(each) not in missing]
    if str(end) == "2025.4.0":
        offered.append(version(end))

    with pytest.raises(RefusedError, match=words) as caught:
        way(start, end, offered)
    assert caught.value.hint == hint


def test_a_family_that_never_was() -> None:
    with pytest.raises(RefusedError, match=r"no family before 2025\.3"):
        way("2025.2.4", "2025.3.0", [*REAL, version("2025.3.0")])
    with pytest.raises(RefusedError, match=r"4\.1 takes only a database of 2025\.2 or its own"):
        way("2025.3.0", "2025.4.1")


def test_from_2026_8_on_an_image_says_where_it_may_be_reached_from() -> None:
    offered = [*REAL, LATER]
    start, target = version("2026.5.7"), LATER

    hops = plan_path(start, target, Offer(offered))
    assert [(str(hop.end), hop.presumed) for hop in hops] == [
        ("2026.8.3", True),
        ("2026.11.0", True),
    ]

    said = {version("2026.8.3"): Family(2026, 5), LATER: Family(2026, 8)}
    hops = plan_path(start, target, Offer(offered, said))
    assert [(str(hop.end), hop.presumed) for hop in hops] == [
        ("2026.8.3", False),
        ("2026.11.0", False),
    ]
    assert way("2026.5.7", "2026.11.0", offered, said={"2026.11.0": "2026.5"}) == ["2026.11.0"]
    assert way("2026.2.2", "2026.8.3", said={"2026.8.3": "2026.2"}) == ["2026.8.3"]
    with pytest.raises(RefusedError, match=r"11\.0 takes only a database of 2026\.2 or its own"):
        way("2026.5.7", "2026.11.0", offered, said={"2026.11.0": "2026.2"})


def test_only_a_hop_into_a_family_makes_demands() -> None:
    first, second = plan_path(version("2025.2.1"), version("2025.4.4"), Offer(REAL))

    assert not first.demands
    (patch,) = plan_path(version("2025.10.3"), version("2025.10.4"), Offer(REAL))
    assert not patch.demands, "though that family has some"
    assert any(each.blocking and "Redis must run" in each.words for each in second.demands)


def test_the_demands_that_stop_a_stack_are_there() -> None:
    def blocking(family: Family) -> set[Area]:
        return {each.area for each in DEMANDS[family] if each.blocking}

    assert blocking(Family(2025, 12)) == {Area.COMPOSE, Area.FILES, Area.CHECK}
    assert any("Redis is used no more" in each.words for each in DEMANDS[Family(2025, 10)])
    assert any("shm_size" in each.words for each in DEMANDS[Family(2026, 2)])
    assert DEMANDS.keys() <= {*LINE, LATER.family}


def test_the_newest_is_none_that_failed_here_nor_an_older_one() -> None:
    offer = Offer(REAL, bad=[version("2026.8.3")])

    assert str(newest(offer, version("2025.2.1"))) == "2026.5.7"
    assert str(newest(offer, LATER)) == "2026.11.0"


offers = st.lists(
    st.builds(
        lambda family, patch: Version(family.year, family.month, patch),
        st.sampled_from([*LINE, Family(2026, 11), Family(2027, 2)]),
        st.integers(0, 5),
    ),
    min_size=2,
    unique=True,
)


@given(offers, st.data())
def test_every_way_keeps_the_rules(offered: list[Version], data: st.DataObject) -> None:
    current, target = (data.draw(st.sampled_from(offered)) for _ in range(2))
    try:
        hops = plan_path(current, target, Offer(offered))
    except RefusedError:
        return

    line = sorted({*LINE, *(each.family for each in offered)})
    stops = [current, *(hop.end for hop in hops)]
    assert [hop.start for hop in hops] == stops[:-1]
    assert stops == sorted(set(stops))
    assert stops[-1] == target
    for hop in hops:
        assert hop.end in offered
        assert line.index(hop.end.family) - line.index(hop.start.family) in {0, 1}
        assert hop.presumed == (hop.changes_family and hop.end.family >= FIRST_TO_SAY)
        newer = [each for each in offered if each.family == hop.end.family and each > hop.end]
        assert hop.end == target or not newer
