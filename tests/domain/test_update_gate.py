"""The gate as a table of time lines: what is seen second by second, and what comes of it when."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from pydantic import TypeAdapter

from bot.domain.gate_signs import SignKind
from bot.domain.gate_verdict import judge, with_look
from bot.domain.update_gate import (
    LOGGED_IN,
    Baseline,
    Judgement,
    MigrationSeen,
    Patience,
    Sample,
    Verdict,
    Wanted,
)
from tests.fakes_update_gate import (
    NEW,
    answers,
    good_sample,
    seen_container,
    sign,
    wanted_version,
)

PATIENCE = Patience(stable=60, timeout=900)
OLD_FAMILY = "2025.4.4"
URL = "https://auth.example.org"
MINE = "https://wiki.example.org"


class Phase(NamedTuple):
    """So many seconds in which each look shows the same; *at_once* is shown by its first alone."""

    seconds: int
    shown: dict[str, Any]
    at_once: dict[str, Any] = {}  # noqa: RUF012 - never written to


def looks_of(*phases: Phase) -> Iterator[Sample]:
    at = 0
    for phase in phases:
        for second in range(phase.seconds):
            yield good_sample(at, **phase.shown, **({} if second else phase.at_once))
            at += 1


class Ended(NamedTuple):
    verdict: Verdict
    at: float
    reason: str
    proof: tuple[str, ...]


def ending(*phases: Phase, wanted: Wanted | None = None, patience: Patience = PATIENCE) -> Ended:
    """The first verdict but WAIT, or the last WAIT, and when."""
    looks: list[Sample] = []
    told = Judgement(Verdict.WAIT, "")
    for look in looks_of(*phases):
        looks = with_look(looks, look)
        told = judge(looks, wanted or wanted_version(), patience)
        if told.verdict is not Verdict.WAIT:
            break
    return Ended(told.verdict, looks[-1].at, told.reason, told.proof)


def well(seconds: int, **shown: Any) -> Phase:
    return Phase(seconds, shown)


def starting(seconds: int, **shown: Any) -> Phase:
    """Before the server answers; the worker has not beaten yet."""
    return Phase(
        seconds,
        {"ready": 502, "answers": answers(login_page=502, root_config=502), "workers": (), **shown},
    )


def containers(server: dict[str, Any] | None = None, worker: dict[str, Any] | None = None) -> Any:
    return (seen_container("server", **(server or {})), seen_container("worker", **(worker or {})))


def of_family(version: str, **worker: Any) -> Any:
    return containers({"version": version}, {"version": version, **worker})


def flapping(times: int, up: int, down: int) -> list[Phase]:
    return [phase for _ in range(times) for phase in (well(up), well(down, ready=503))]


def restarting(times: int, lives: int, service: str = "server", **shown: Any) -> list[Phase]:
    """Dies and is started again by Docker, again and again."""
    return [
        Phase(
            lives,
            {"containers": containers(**{service: {"started": str(n), "restarts": n}}), **shown},
        )
        for n in range(times)
    ]


def crashing(service: str = "server", **shown: Any) -> Phase:
    """Dies within its container of an error, and is started again there."""
    error = sign(SignKind.TRACEBACK, "ImportError: x", service)
    return Phase(11, shown, {"signs": (error,)})


def migrating(seconds: int, *, active: bool = True, rows: int = 600, newest: str = "") -> Phase:
    return starting(seconds, migration=MigrationSeen(active=active, rows=rows, newest=newest))


MIGRATION = MigrationSeen(active=True)
LOGIN = wanted_version(baseline=Baseline(login_page=200, root_config=200, login=LOGGED_IN))
PUBLIC = wanted_version(
    baseline=Baseline(login_page=200, root_config=200, public=200, public_url=URL)
)
NO_ROWS = wanted_version(OLD_FAMILY)
BAD_LOGIN = "ak-stage-flow-error"


def tried(login: str | None, seconds: int, every: int = 20) -> list[Phase]:
    """A test login now and then."""
    return [Phase(every, {}, {"answers": answers(login=login)}) for _ in range(seconds // every)]


@pytest.mark.parametrize(
    ("phases", "wanted", "at"),
    [
        pytest.param([well(61)], None, 60, id="plain good"),
        pytest.param([starting(300), well(61)], None, 360, id="slow start"),
        pytest.param([migrating(1500), starting(20), well(61)], None, 1580, id="slow migration"),
        pytest.param(
            [*(migrating(60, active=False, rows=n) for n in range(20)), starting(9), well(61)],
            None,
            1269,
            id="a migration of many steps, between which nobody sees it work",
        ),
        pytest.param(
            [*(migrating(9, active=False, newest=str(n)) for n in range(120)), well(61)],
            None,
            1140,
            id="a migration whose statements are too short to be seen",
        ),
        pytest.param([well(20), well(1, ready=503), well(61)], None, 81, id="one flap early"),
        pytest.param([well(30), well(3, seen=False), well(61)], None, 93, id="Docker was away"),
        pytest.param(
            [well(20), Phase(100, {"containers": containers({"started": "2", "restarts": 1})})],
            None,
            80,
            id="one restart that then holds",
        ),
        pytest.param([starting(890), well(61)], None, 950, id="holds from before the timeout on"),
        pytest.param(
            [well(20), well(5, answers=answers(login_page=503)), well(61)], None, 85, id="one 503"
        ),
        pytest.param([*tried(LOGGED_IN, 80)], LOGIN, 60, id="with a test login"),
        pytest.param(
            [*tried(BAD_LOGIN, 20, every=10), *tried(LOGGED_IN, 80)], LOGIN, 80,
            id="a login that comes good",
        ),
        pytest.param(
            [Phase(70, {"containers": of_family(OLD_FAMILY, health="starting"), "workers": None}),
             Phase(61, {"containers": of_family(OLD_FAMILY), "workers": None})],
            NO_ROWS, 130, id="a worker before 2025.8, judged by Docker's check",
        ),
        pytest.param(
            [well(61, containers=containers(worker={"health": "unhealthy"}))],
            None, 60, id="a worker that beats, whatever Docker's check says of it",
        ),
        pytest.param(
            [well(61, answers=answers(login_page=404), workers=(NEW, "2025.8.6"))],
            wanted_version(baseline=Baseline(login_page=404, root_config=200)),
            60, id="a login slug that never worked",
        ),
        pytest.param(
            [well(61, answers=answers(login_page=200, public=None))],
            wanted_version(
                baseline=Baseline(login_page=200, root_config=200, public=None, public_url=URL)
            ),
            60, id="a public URL that never worked",
        ),
        pytest.param(
            [well(61, answers=answers(public=302, urls={MINE: 204}))],
            wanted_version(
                baseline=Baseline(login_page=200, public=200, public_url=URL, urls={MINE: 302})
            ),
            60, id="another answer that is as good",
        ),
        pytest.param([well(61, workers=None)], wanted_version(None), 60, id="of any version"),
        pytest.param(
            [starting(10), Phase(1, {}, {"signs": (sign(SignKind.TRACEBACK),)}), well(61)],
            None, 70, id="a traceback of which nothing comes",
        ),
        pytest.param(
            [*[crashing()] * 4, well(61)], None, 60,
            id="a task that fails again and again while server and worker are well",
        ),
        pytest.param(
            [*[crashing("worker", workers=(), migration=MIGRATION)] * 9, well(61)],
            None, 159, id="errors while it migrates",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.SCHEMA),)}), well(61)],
            None, 69, id="a table that lacks while it migrates",
        ),
        pytest.param(
            [*[Phase(9, {"ready": 502}, {"signs": (sign(SignKind.SCHEMA),)})] * 5, well(61)],
            None, 105, id="tables that lack for long while it migrates",
        ),
        pytest.param(
            [Phase(9, {"ready": 502},
                   {"signs": (sign(SignKind.MIGRATION, "OperationalError", passing=True),) * 3}),
             well(61)],
            None, 69, id="a migration that lost its connection, and was tried again",
        ),
    ],
)  # fmt: skip
def test_what_holds_is_promoted(phases: list[Phase], wanted: Wanted | None, at: float) -> None:
    ended = ending(*phases, wanted=wanted)

    assert (ended.verdict, ended.at) == (Verdict.PROMOTE, at), ended.reason


MIGRATION_ERROR = 'django.db.utils.ProgrammingError: relation "x" does not exist'
FAILS = Phase(
    7, {"ready": 502}, {"signs": (sign(SignKind.MIGRATION, MIGRATION_ERROR),
                                  sign(SignKind.RESTARTING, "gunicorn process died, restarting"))}
)  # fmt: skip
LOOPS = Phase(1, {"ready": 502}, {"signs": (sign(SignKind.RESTARTING),)})


@pytest.mark.parametrize(
    ("phases", "wanted", "at", "reason"),
    [
        pytest.param(
            [starting(1000)], None, 901, "after 900 s still: /-/health/ready/ answers 502",
            id="healthy but never ready",
        ),
        pytest.param(
            [
                Phase(5, {"ready": 502, "containers": containers(server={"running": False})}),
                Phase(996, {
                    "ready": 502, "containers": containers(server={"restarts": 2, "exit_code": 1}),
                }),
            ],
            None, 901,
            "after 900 s still: /-/health/ready/ answers 502;"
            ' "server" has ended 2 times, with exit code 1',
            id="ends, and not often enough for a loop",
        ),
        pytest.param(
            flapping(40, 30, 2), None, 926, "/-/health/ready/ answers 503", id="ready flapping"
        ),
        pytest.param(
            [well(60, containers=of_family("2025.8.6"))], None, 5,
            f'"server" runs, and is version 2025.8.6 instead of {NEW}', id="ready, wrong version",
        ),
        pytest.param(
            [well(9), well(60, containers=containers(worker={"version": "2025.8.6"}))], None, 14,
            '"worker" runs, and is version 2025.8.6', id="another version once it is started",
        ),
        pytest.param(
            [well(60, containers=containers(worker={"image_id": "sha256:old"}))], None, 5,
            '"worker" was created from another image', id="another image",
        ),
        pytest.param(
            [migrating(700), migrating(400, active=False)], None, 1000,
            f"the migration of {NEW} hangs", id="a migration that hangs past the timeout",
        ),
        pytest.param(
            [migrating(30, active=False)] * 20, None, 300, "has not moved for 300 s",
            id="a migration that hangs from the start",
        ),
        pytest.param(
            [migrating(890), starting(900)], None, 1250, "/-/health/ready/ answers 502",
            id="never ready after a long migration",
        ),
        pytest.param(
            [well(1000, workers=("2025.8.6",))], None, 901,
            '"worker" beats as version 2025.8.6 only', id="heartbeat of the old version only",
        ),
        pytest.param(
            [well(1000, workers=())], None, 901, '"worker" has not beaten', id="no heartbeat"
        ),
        pytest.param(
            [well(1000, workers=None)], None, 901, "no row in the database", id="no heartbeat table"
        ),
        pytest.param(
            [starting(9), well(60, answers=answers(login_page=500))], None, 24,
            "the login page answers 500, 200 before (for 15 s)", id="login flow 500",
        ),
        pytest.param(
            [starting(9), well(60, answers=answers(root_config=500))], None, 24,
            "/api/v3/root/config/ answers 500", id="root config 500",
        ),
        pytest.param(
            [well(1000, answers=answers(login_page=404))], None, 901, "login page answers 404",
            id="login page gone",
        ),
        pytest.param(
            tried(BAD_LOGIN, 60), LOGIN, 20, f"ended in {BAD_LOGIN}",
            id="page 200, but the login fails",
        ),
        pytest.param(
            [well(1000)], LOGIN, 901, "the test login was not tried yet", id="login never tried"
        ),
        pytest.param(
            restarting(9, 28), None, 56, '"server" ends again and again, 2 times',
            id="crash after 20 s of being ready",
        ),
        pytest.param(
            restarting(9, 2, ready=502), None, 6, '"server" ends again', id="exits at once"
        ),
        pytest.param(
            restarting(9, 9, "worker"), None, 18, '"worker" ends again', id="the worker exits"
        ),
        pytest.param(
            [well(9), well(60, containers=containers({"running": False, "exit_code": 3}))], None,
            24, '"server" has ended with exit code 3 and is not started again', id="ends for good",
        ),
        pytest.param(
            [FAILS] * 9, None, 7, f"a migration of {NEW} fails: {MIGRATION_ERROR}",
            id="server looping with RestartCount 0: its migration fails",
        ),
        pytest.param(
            [Phase(2, {"ready": 502}, {"signs": (sign(SignKind.TRACEBACK, "ImportError: x"),)}),
             *[LOOPS] * 9],
            None, 4, '"server" does not come up: ImportError: x',
            id="server looping with RestartCount 0: a cause in the log",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.RESTARTING),)})] * 9, None, 45,
            "gunicorn ends as often as it is started", id="server looping, no cause in the log",
        ),
        pytest.param(
            [crashing(ready=502)] * 9, None, 33,
            '"server" does not come up, it fails again and again: ImportError: x',
            id="never ready, and the same error again and again",
        ),
        pytest.param(
            [crashing("worker", workers=())] * 9, None, 33,
            '"worker" does not come up, it fails again and again: ImportError: x',
            id="no heartbeat, and the same error again and again",
        ),
        pytest.param(
            [crashing("worker", containers=of_family(OLD_FAMILY, health="starting"))] * 9,
            NO_ROWS, 33, '"worker" does not come up, it fails again',
            id="a worker before 2025.8 that dies again and again",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.SKIP),)})], None, 0,
            "update one family at a time", id="family skipped",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.GROUPS),)})], None, 0,
            "rename them first", id="duplicate groups",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.HISTORY, service="worker"),)})],
            None, 0, "take another patch", id="inconsistent history",
        ),
        pytest.param(
            [Phase(8, {}, {"signs": (sign(SignKind.SCHEMA, "column x.y does not exist"),)})] * 9,
            None, 16, "does not fit the database: column x.y does not exist", id="schema",
        ),
        pytest.param(
            [Phase(90, {"containers": of_family(OLD_FAMILY, health="starting")}),
             Phase(90, {"containers": of_family(OLD_FAMILY, health="unhealthy")})],
            NO_ROWS, 150, "its own health check fails", id="a worker before 2025.8 that hangs",
        ),
        pytest.param(
            [well(1000, answers=answers(urls={MINE: 502}))],
            wanted_version(baseline=Baseline(login_page=200, urls={MINE: 200})),
            901, f"{MINE} answers 502, 200 before", id="a person's own URL",
        ),
        pytest.param(
            [well(1000, containers=(seen_container("server"),))], None, 901,
            'there is no container of "worker"', id="no worker",
        ),
        pytest.param([well(1000, seen=False)], None, 901, "Docker did not answer", id="no Docker"),
    ],
)  # fmt: skip
def test_what_cannot_hold_is_rolled_back(
    phases: list[Phase], wanted: Wanted | None, at: float, reason: str
) -> None:
    ended = ending(*phases, wanted=wanted)

    assert (ended.verdict, ended.at) == (Verdict.ROLL_BACK, at), ended.reason
    assert reason in ended.reason


def test_a_person_is_asked_where_only_the_public_url_fails() -> None:
    ended = ending(well(200, answers=answers(public=502)), wanted=PUBLIC)

    assert (ended.verdict, ended.at) == (Verdict.ASK, 60)
    assert ended.reason == (
        f"all holds inside, only {URL} answers 502, 200 before:"
        " look whether people can log in there"
    )


def test_nobody_is_asked_for_a_public_url_that_failed_for_a_moment() -> None:
    up, down = answers(public=200), answers(public=502)

    ended = ending(well(55, answers=up), well(8, answers=down), well(61, answers=up), wanted=PUBLIC)

    assert (ended.verdict, ended.at) == (Verdict.PROMOTE, 123)


def test_a_person_is_asked_where_the_public_url_fails_now_and_then() -> None:
    up, down = answers(public=200), answers(public=None)

    ended = ending(*[well(40, answers=up), well(2, answers=down)] * 30, wanted=PUBLIC)

    assert (ended.verdict, ended.at) == (Verdict.ASK, 901)


def test_what_did_not_work_before_is_named() -> None:
    before = Baseline(
        login_page=404, root_config=200, public=None, public_url=URL, urls={MINE: 503},
        login="ak-stage-authenticator-validate",
    )  # fmt: skip

    ended = ending(well(61), wanted=wanted_version(baseline=before))

    assert ended.reason == (
        "it has held for 60 s; not checked, since it did not work before: the login page (404),"
        f" {MINE} (503), {URL} (no answer), the test login (it ended in"
        " ak-stage-authenticator-validate)"
    )


CAUSE = sign(SignKind.TRACEBACK, "ImportError: x")
FOREIGN = sign(SignKind.TRACEBACK, "KeyError: y", "worker")


@pytest.mark.parametrize(
    ("phases", "wanted", "reason", "proof"),
    [
        pytest.param(
            [FAILS] * 9, None, f"a migration of {NEW} fails: {MIGRATION_ERROR}",
            (f"server: {MIGRATION_ERROR}",), id="a migration",
        ),
        pytest.param(
            [Phase(2, {"ready": 502}, {"signs": (CAUSE, FOREIGN)}), *[LOOPS] * 9], None,
            '"server" does not come up: ImportError: x',
            ("server: ImportError: x", f"server: {SignKind.RESTARTING}"), id="gunicorn, a cause",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (sign(SignKind.RESTARTING, f"{n}"),)})
             for n in range(9)], None,
            '"server" does not come up: gunicorn ends as often as it is started',
            tuple(f"server: {n}" for n in range(1, 6)), id="gunicorn, the last five lines",
        ),
        pytest.param(
            [Phase(1, {"ready": 502}, {"signs": (CAUSE, FOREIGN)}),
             *restarting(9, 2, ready=502)], None,
            '"server" ends again and again, 3 times so far: ImportError: x',
            ("server: ImportError: x",), id="crash loop, its cause and nobody else's",
        ),
        pytest.param(
            [Phase(2, {"ready": 502,
                       "containers": containers({"restarts": n, "exit_code": n or None})})
             for n in range(9)], None,
            '"server" ends with exit code 3 again and again, 3 times so far', (),
            id="crash loop, the last exit code",
        ),
        pytest.param(
            [Phase(1, {}, {"signs": (CAUSE, FOREIGN)}),
             well(60, containers=containers({"running": False, "exit_code": 3}))], None,
            '"server" has ended with exit code 3 and is not started again: ImportError: x',
            ("server: ImportError: x",), id="ended",
        ),
        pytest.param(
            [well(60, containers=containers(None, {"running": False, "started": "0001-01-01T00"}))],
            None, '"worker" was never started', (), id="never started",
        ),
        pytest.param(
            [well(60, containers=(*containers(), seen_container("ldap", running=False)))],
            wanted_version(others=("ldap",)),
            '"ldap" has ended with exit code None and is not started again', (), id="an outpost",
        ),
        pytest.param(
            [well(60, containers=of_family("2025.8.6"))], None,
            f'"server" runs, and is version 2025.8.6 instead of {NEW}:'
            " the image is not what its tag says", (), id="another version",
        ),
        pytest.param(
            [well(60, containers=containers({"image_id": "sha256:old"}))], None,
            '"server" was created from another image than the one that was pulled', (),
            id="another image",
        ),
        pytest.param(
            [well(5, signs=(CAUSE, FOREIGN)),
             well(60, answers=answers(login_page=503, root_config=500))],
            None,
            "the server says that it is ready, and yet the login page answers 503, 200 before;"
            " /api/v3/root/config/ answers 500, 200 before (for 15 s): people could not log in",
            ("server: ImportError: x",), id="pages",
        ),
        pytest.param(
            [Phase(1, {}, {"signs": (CAUSE, FOREIGN)}), *tried(BAD_LOGIN, 60)], LOGIN,
            f"the test login, which worked before, ended in {BAD_LOGIN}: people could not log in",
            ("server: ImportError: x",), id="login",
        ),
        pytest.param(
            [Phase(8, {}, {"signs": (sign(SignKind.SCHEMA, "no x"), CAUSE)})] * 9, None,
            f"{NEW} does not fit the database: no x", ("server: no x",), id="schema",
        ),
        pytest.param(
            [Phase(8, {"workers": None}, {"signs": (sign(SignKind.SCHEMA, "no x"),)})] * 9,
            wanted_version(None), "this version does not fit the database: no x",
            ("server: no x",), id="a version that nobody knows",
        ),
        pytest.param(
            [crashing("worker", workers=())] * 9, None,
            '"worker" does not come up, it fails again and again: ImportError: x',
            ("worker: ImportError: x",), id="it dies inside",
        ),
        pytest.param(
            [Phase(9, {"ready": 502}, {"signs": (CAUSE, sign(SignKind.GROUPS, "two g"))})], None,
            f"{NEW} cannot start: there are groups of the same name, which this version does not"
            " take: rename them first", ("server: two g",), id="it says why itself",
        ),
        pytest.param(
            [Phase(90, {"containers": of_family(OLD_FAMILY, health="unhealthy")},
                   {"signs": (FOREIGN, CAUSE)})], NO_ROWS,
            '"worker" runs, but its own health check fails: no task is worked on',
            ("worker: KeyError: y",), id="a sick worker",
        ),
        pytest.param(
            [migrating(1, active=False),
             Phase(600, {"ready": 502, "migration": MigrationSeen(active=False, rows=600)},
                   {"signs": (FOREIGN,)})], None,
            f"the migration of {NEW} hangs: it holds Authentik's lock and has not moved for 300 s;"
            " something else may keep a table locked", ("worker: KeyError: y",), id="it hangs",
        ),
    ],
)  # fmt: skip
def test_why_it_is_rolled_back_and_the_lines_that_prove_it(
    phases: list[Phase], wanted: Wanted | None, reason: str, proof: tuple[str, ...]
) -> None:
    ended = ending(*phases, wanted=wanted)

    assert (ended.verdict, ended.reason, ended.proof) == (Verdict.ROLL_BACK, reason, proof)


def test_while_it_waits_it_says_for_what() -> None:
    assert ending(migrating(9, rows=611)).reason == (
        "it migrates, 611 migrations so far; /-/health/ready/ answers 502;"
        ' "worker" has not beaten since it was started'
    )
    assert ending(well(11)).reason == "it holds, for 10 of 60 s"
    assert judge([], wanted_version(), PATIENCE).verdict is Verdict.WAIT


def test_what_worked_before_is_written_down_and_read_again() -> None:
    baseline = Baseline(
        login_page=200, root_config=None, public=302, urls={MINE: None, URL: 204},
        login=LOGGED_IN, public_url=URL,
    )  # fmt: skip
    written = TypeAdapter(Baseline)

    assert written.validate_json(written.dump_json(baseline)) == baseline


def test_of_looks_that_show_the_same_the_first_and_the_last_stay() -> None:
    looks: list[Sample] = []
    for look in looks_of(well(5), well(1, ready=503), well(9)):
        looks = with_look(looks, look)

    assert [each.at for each in looks] == [0, 4, 5, 6, 14]


def test_every_look_that_shows_an_event_stays() -> None:
    looks: list[Sample] = []
    for look in looks_of(well(4, signs=(sign(SignKind.SCHEMA),)), *tried(BAD_LOGIN, 3, every=1)):
        looks = with_look(looks, look)

    assert [each.at for each in looks] == [0, 1, 2, 3, 4, 5, 6]
