"""What keeps a version from holding at one moment: a look, and the sentences that come of it."""

from typing import Any

import pytest

from bot.domain.gate_faults import (
    faults_inside,
    faults_outside,
    has_beaten,
    is_ready,
    logged,
    writes_rows,
)
from bot.domain.gate_signs import SignKind
from bot.domain.update_gate import LOGGED_IN, Baseline, as_before, held
from tests.fakes_update_gate import (
    NEW,
    answers,
    good_sample,
    seen_container,
    sign,
    wanted_version,
)

SERVER, WORKER = seen_container("server"), seen_container("worker")
OLD_FAMILY = "2025.4.4"
URL, MINE = "https://auth.example.org", "https://wiki.example.org"


def of_family(health: str) -> dict[str, Any]:
    both = [
        seen_container(name, version=OLD_FAMILY, health=health) for name in ("server", "worker")
    ]
    return {"containers": tuple(both)}


@pytest.mark.parametrize(
    ("shown", "wanted", "found"),
    [
        pytest.param({}, {}, [], id="all is well"),
        pytest.param({"seen": False}, {}, ["Docker did not answer"], id="no Docker"),
        pytest.param(
            {"containers": (SERVER,)}, {}, ['there is no container of "worker"'], id="one is away"
        ),
        pytest.param(
            {"containers": (SERVER,), "workers": None}, {"worker": None}, [], id="no worker wanted"
        ),
        pytest.param(
            {"containers": (SERVER, WORKER)},
            {"others": ("ldap",)},
            ['there is no container of "ldap"'],
            id="an outpost is away",
        ),
        pytest.param(
            {"containers": (SERVER, WORKER, seen_container("ldap", version="1", image_id="x"))},
            {"others": ("ldap",)},
            [],
            id="an outpost is of any version",
        ),
        pytest.param(
            {"containers": (seen_container("server", running=False, image_id="x"), WORKER)},
            {},
            ['"server" does not run'],
            id="ended",
        ),
        pytest.param(
            {"containers": (seen_container("server", image_id="x", version="1"), WORKER)},
            {},
            ['"server" is not of the image that was pulled'],
            id="another image",
        ),
        pytest.param(
            {"containers": (SERVER, seen_container("worker", version=None))},
            {},
            [f'"worker" is version unknown, not {NEW}'],
            id="version unknown",
        ),
        pytest.param(
            {"containers": (SERVER, seen_container("worker", version="2025.8.6"))},
            {},
            [f'"worker" is version 2025.8.6, not {NEW}'],
            id="another version",
        ),
        pytest.param(
            {"containers": (SERVER, seen_container("worker", version="2025.8.6"))},
            {"version": None},
            [],
            id="any version",
        ),
        pytest.param(
            {"containers": (SERVER, WORKER, seen_container("worker", id="2", running=False))},
            {},
            ['"worker" does not run'],
            id="one of two",
        ),
        pytest.param(
            {"ready": None, "answers": answers(login_page=500)},
            {},
            ["/-/health/ready/ answers nothing"],
            id="not ready, and no other page counts",
        ),
        pytest.param(
            {"answers": answers(login_page=None, root_config=404)},
            {},
            [
                "the login page answers nothing, 200 before",
                "/api/v3/root/config/ answers 404, 200 before",
            ],
            id="pages",
        ),
        pytest.param(
            {"answers": answers(urls={MINE: 500})},
            {"baseline": Baseline(urls={URL: 200, MINE: 302})},
            [f"{URL} answers nothing, 200 before", f"{MINE} answers 500, 302 before"],
            id="a person's own URLs",
        ),
        pytest.param(
            {},
            {"baseline": Baseline(login=LOGGED_IN)},
            ["the test login was not tried yet"],
            id="no login yet",
        ),
        pytest.param(
            {"answers": answers(login="ak-stage-flow-error")},
            {"baseline": Baseline(login=LOGGED_IN)},
            ["the test login ended in ak-stage-flow-error"],
            id="a login that fails",
        ),
        pytest.param(
            {"answers": answers(login=LOGGED_IN)},
            {"baseline": Baseline(login=LOGGED_IN)},
            [],
            id="a login that is let in",
        ),
        pytest.param(
            {"answers": answers(login="x")},
            {"baseline": Baseline(login="y")},
            [],
            id="as bad before",
        ),
        pytest.param(
            {"workers": ()}, {}, ['"worker" has not beaten since it was started'], id="no beat"
        ),
        pytest.param(
            {"workers": ("2025.8.6", "2025.8.5")},
            {},
            ['"worker" beats as version 2025.8.6, 2025.8.5 only'],
            id="beats of others",
        ),
        pytest.param({"workers": ("2025.8.6", NEW)}, {}, [], id="one of the beats is its own"),
        pytest.param({"workers": ("2025.8.6",)}, {"version": None}, [], id="any beat"),
        pytest.param(
            {"workers": None}, {}, ['"worker" has no row in the database yet'], id="no table"
        ),
        pytest.param({"workers": None}, {"version": None}, [], id="no table, any version"),
        pytest.param(
            {"workers": None, **of_family("starting")},
            {"version": OLD_FAMILY},
            ['Docker says that "worker" is starting'],
            id="Docker's check of a worker before the rows",
        ),
        pytest.param(
            {"workers": (), **of_family("")}, {"version": OLD_FAMILY}, [], id="without such a check"
        ),
        pytest.param(
            {"signs": (sign(SignKind.SCHEMA, "no x"), sign(SignKind.TRACEBACK, "KeyError"))},
            {},
            ['the log of "server" says: no x'],
            id="what the log says",
        ),
    ],
)
def test_what_is_not_as_it_must_be(
    shown: dict[str, Any], wanted: dict[str, Any], found: list[str]
) -> None:
    assert faults_inside(good_sample(**shown), wanted_version(**wanted)) == found


@pytest.mark.parametrize(
    ("kind", "ready", "counts"),
    [
        (SignKind.RESTARTING, 502, True),
        (SignKind.MIGRATION, 502, True),
        (SignKind.SCHEMA, 502, False),
        (SignKind.SCHEMA, 200, True),
        (SignKind.TRACEBACK, 200, False),
    ],
)
def test_which_signs_count_at_once(kind: SignKind, ready: int, *, counts: bool) -> None:
    found = sign(kind)

    assert logged(good_sample(signs=(found,), ready=ready)) == [found] * counts


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (200, 200, []),
        (200, 302, []),
        (200, None, [f"{URL} answers nothing, 200 before"]),
        (302, 404, [f"{URL} answers 404, 302 before"]),
        (None, 500, []),
        (404, 500, []),
    ],
)
def test_what_is_seen_from_outside(before: int | None, now: int | None, found: list[str]) -> None:
    wanted = wanted_version(baseline=Baseline(public=before, public_url=URL))

    assert faults_outside(good_sample(answers=answers(public=now)), wanted) == found


@pytest.mark.parametrize(
    ("status", "holds"),
    [(None, False), (200, True), (404, False), (403, True), (499, True), (500, False)],
)
def test_which_answers_can_be_held_against_later_ones(status: int | None, *, holds: bool) -> None:
    assert held(status) is holds


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        (200, 200, True),
        (200, 399, True),
        (399, 200, True),
        (200, 400, False),
        (400, 200, False),
        (403, 403, True),
        (200, None, False),
        (500, None, True),
    ],
)
def test_which_answers_are_as_good(before: int | None, now: int | None, *, same: bool) -> None:
    assert as_before(before, now) is same


WORKED = {"login_page": 200, "root_config": 200}


@pytest.mark.parametrize(
    ("before", "unchecked"),
    [
        (WORKED, ()),
        ({**WORKED, "login_page": None}, ("the login page (no answer)",)),
        ({**WORKED, "root_config": 500}, ("/api/v3/root/config/ (500)",)),
        ({**WORKED, "urls": {MINE: 404, URL: 200}}, (f"{MINE} (404)",)),
        ({**WORKED, "public": 502, "public_url": URL}, (f"{URL} (502)",)),
        ({**WORKED, "public": 200, "public_url": URL}, ()),
        ({**WORKED, "public": None, "public_url": ""}, ()),
        ({**WORKED, "login": LOGGED_IN}, ()),
        ({**WORKED, "login": "ak-stage"}, ("the test login (it ended in ak-stage)",)),
    ],
)
def test_what_did_not_work_before_cannot_be_checked(
    before: dict[str, Any], unchecked: tuple[str, ...]
) -> None:
    assert Baseline(**before).unchecked == unchecked


@pytest.mark.parametrize(
    ("status", "ready"), [(None, False), (199, False), (200, True), (299, True), (300, False)]
)
def test_which_answers_say_ready(status: int | None, *, ready: bool) -> None:
    assert is_ready(good_sample(ready=status)) is ready


@pytest.mark.parametrize(
    ("version", "rows"),
    [("2025.8.0", True), ("2025.6.4", False), ("2026.2.1", True), ("main", None), (None, None)],
)
def test_which_versions_write_rows(version: str | None, *, rows: bool | None) -> None:
    assert writes_rows(version) is rows


@pytest.mark.parametrize(
    ("version", "shown", "beats"),
    [
        (NEW, {"workers": (NEW,)}, True),
        (NEW, {"workers": ()}, False),
        (NEW, {"workers": None}, True),
        (NEW, {"workers": None, "containers": (SERVER,)}, False),
        (NEW, {"workers": None, **of_family("starting")}, False),
        (None, {"workers": ()}, False),
        (OLD_FAMILY, {"workers": ()}, True),
    ],
)
def test_whether_a_worker_is_at_work(version: str, shown: dict[str, Any], *, beats: bool) -> None:
    assert has_beaten(good_sample(**shown), wanted_version(version)) is beats
