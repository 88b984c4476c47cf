from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.container_state import (
    DOCKER,
    STACK,
    Before,
    ContainerState,
    Happened,
    ended,
    watch_rules,
)
from bot.domain.discovery import Found, StackWanted, lasting, recalled, watched_services
from bot.domain.errors import ConfigError
from bot.domain.incident import Seen, Trouble
from bot.domain.stack import Role

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NAMES = {
    Role.POSTGRESQL: ("postgresql",),
    Role.REDIS: ("redis",),
    Role.SERVER: ("authentik", "server"),
    Role.WORKER: ("worker",),
}
WANTED = StackWanted("", NAMES)
STATE = ContainerState("worker", "running", "healthy", 0, out_of_memory=False, image="a:1")


@pytest.mark.parametrize(
    ("status", "health", "code", "trouble"),
    [
        ("running", "", 0, None),
        ("running", "healthy", 0, None),
        ("running", "starting", 0, Trouble.STARTING),
        ("running", "unhealthy", 0, Trouble.UNHEALTHY),
        ("paused", "unhealthy", 0, Trouble.PAUSED),
        ("created", "", 0, Trouble.STOPPED),
        ("exited", "", 0, Trouble.STOPPED),
        ("exited", "", 143, Trouble.STOPPED),
        ("exited", "", 1, Trouble.CRASHED),
        ("restarting", "", 1, Trouble.CRASHED),
        ("restarting", "", 0, Trouble.STARTING),
        ("restarting", "", 143, Trouble.STARTING),
        ("dead", "", 137, Trouble.CRASHED),
    ],
)
def test_what_a_look_means(status: str, health: str, code: int, trouble: Trouble | None) -> None:
    state = replace(STATE, status=status, health=health, exit_code=code)

    assert state.seen(NOW).trouble is trouble
    assert state.serves is (trouble is None)


def test_the_memory_limit_counts_more_than_the_exit_code() -> None:
    trouble, detail = ended(137, out_of_memory=True, told_to=True)

    assert trouble is Trouble.OUT_OF_MEMORY
    assert detail == "the kernel killed it at its memory limit, exit code 137"


@pytest.mark.parametrize(
    ("signal", "seconds", "trouble"),
    [
        ("15", 10, Trouble.STOPPED),
        ("2", 10, Trouble.STOPPED),
        ("9", 0, Trouble.CRASHED),
        ("15", 120, Trouble.CRASHED),
    ],
)
def test_whoever_was_told_to_end_has_not_crashed(
    signal: str, seconds: float, trouble: Trouble
) -> None:
    before = Before().after(Happened("worker", NOW, "kill", signal=signal))
    death = Happened("worker", NOW + timedelta(seconds=seconds), "die", exit_code=137)

    assert before.death(death).trouble is trouble


def test_a_start_makes_a_clean_slate() -> None:
    before = Before().after(Happened("worker", NOW, "oom"))
    death = Happened("worker", NOW, "die", exit_code=1)

    assert before.death(death).trouble is Trouble.OUT_OF_MEMORY
    started = before.after(Happened("worker", NOW, "start"))
    assert started.death(death).trouble is Trouble.CRASHED


def test_what_an_event_means_is_told_with_the_image_and_the_reason() -> None:
    start = Happened("worker", NOW, "start", image="a:1")
    death = Happened("worker", NOW, "die", image="a:1", exit_code=1)

    assert start.started == Seen(
        "worker", NOW, Trouble.STARTING, "its health check has not passed yet", "a:1"
    )
    assert Before().death(death) == Seen("worker", NOW, Trouble.CRASHED, "exit code 1", "a:1")


@pytest.mark.parametrize(
    ("events", "trouble"),
    [
        ([], Trouble.CRASHED),
        ([("kill", "15")], Trouble.STOPPED),
        ([("kill", "9")], Trouble.CRASHED),
        ([("kill", "15"), ("die", "")], Trouble.STOPPED),
        ([("oom", ""), ("die", "")], Trouble.OUT_OF_MEMORY),
        ([("kill", "15"), ("die", ""), ("start", "")], Trouble.CRASHED),
    ],
)
def test_a_look_at_a_dead_container_counts_less_than_what_events_said_of_its_end(
    events: list[tuple[str, str]], trouble: Trouble
) -> None:
    before = Before()
    for action, signal in events:
        before = before.after(Happened("worker", NOW, action, exit_code=137, signal=signal))
    dead, well = replace(STATE, status="exited", exit_code=137).seen(NOW), STATE.seen(NOW)

    assert before.look(dead).trouble is trouble
    assert before.look(well) == well
    if before.end:
        assert before.look(dead) == replace(dead, trouble=trouble, detail=before.end.detail)
        later = replace(dead, at=NOW + timedelta(minutes=3))
        assert before.look(later).trouble is trouble
        assert before.alive().look(later).trouble is Trouble.CRASHED


@pytest.mark.parametrize(
    ("events", "exit_code", "may"),
    [
        ([], 0, True),
        ([], 143, True),
        ([], 137, False),
        ([("kill", "15")], 143, False),
        ([("kill", "15")], 0, False),
        ([("kill", "9")], 0, True),
        ([("oom", "")], 0, False),
    ],
)
def test_who_ends_in_order_and_by_itself_may_be_started_again(
    events: list[tuple[str, str]], exit_code: int, *, may: bool
) -> None:
    before = Before()
    for action, signal in events:
        before = before.after(Happened("worker", NOW, action, signal=signal))

    assert before.may_go_on(Happened("worker", NOW, "die", exit_code=exit_code)) is may


@pytest.mark.parametrize(
    ("status", "health", "code", "trouble", "detail"),
    [
        ("running", "healthy", 0, Trouble.RESTARTING, "it ends by itself with exit code 143"),
        ("running", "starting", 0, Trouble.RESTARTING, "it ends by itself with exit code 143"),
        ("restarting", "", 0, Trouble.RESTARTING, "it ends by itself with exit code 0"),
        ("restarting", "", 1, Trouble.CRASHED, "exit code 1"),
        ("running", "unhealthy", 0, Trouble.UNHEALTHY, "its health check fails"),
        ("exited", "", 0, Trouble.STOPPED, "exit code 0"),
        ("paused", "healthy", 0, Trouble.PAUSED, "docker pause"),
    ],
)
def test_what_a_look_at_a_loop_of_restarts_means(
    status: str, health: str, code: int, trouble: Trouble, detail: str
) -> None:
    before, _ = Before().looked(STATE, NOW)
    before = before.after(Happened("worker", NOW, "die", exit_code=143))
    before = before.after(Happened("worker", NOW, "start"))
    later = NOW + timedelta(seconds=5)
    state = replace(STATE, status=status, health=health, exit_code=code, restarts=3)

    _, seen = before.looked(state, later)

    assert seen.trouble is trouble
    assert seen.detail.startswith(detail)
    if trouble is Trouble.RESTARTING:
        assert seen.at == later


@pytest.mark.parametrize(
    ("status", "restarts", "trouble"),
    [
        ("restarting", 3, Trouble.RESTARTING),
        ("restarting", 99, Trouble.RESTARTING),
        ("restarting", 2, Trouble.STARTING),
        ("running", 99, None),
    ],
)
def test_the_first_look_sees_a_loop_only_where_it_is_in_it(
    status: str, restarts: int, trouble: Trouble | None
) -> None:
    state = replace(STATE, status=status, health="", restarts=restarts)

    _, seen = Before().looked(state, NOW)

    assert (seen.trouble, seen.at) == (trouble, NOW)


def test_a_loop_whose_end_nobody_saw_is_told_without_an_exit_code() -> None:
    known, _ = Before().looked(STATE, NOW)

    _, seen = known.looked(replace(STATE, restarts=3), NOW + timedelta(seconds=5))

    assert seen.detail == "it ends by itself, and Docker starts it again"


def test_after_a_loop_it_is_well_since_it_serves() -> None:
    known, _ = Before().looked(STATE, NOW)
    up = NOW + timedelta(seconds=5)
    known, seen = known.looked(replace(STATE, restarts=3), up)
    assert (seen.trouble, seen.at) == (Trouble.RESTARTING, up)
    _, seen = known.looked(replace(STATE, restarts=3), up + timedelta(seconds=5))
    assert (seen.trouble, seen.at) == (Trouble.RESTARTING, up), "since it began"

    _, seen = known.looked(replace(STATE, restarts=3), up + timedelta(minutes=1))

    assert (seen.trouble, seen.at) == (None, up)


@pytest.mark.parametrize("status", ["running", "paused", "exited"])
def test_only_what_runs_has_its_last_end_behind_it(status: str) -> None:
    death = Happened("worker", NOW, "die", exit_code=137)
    dead = Before().after(Happened("worker", NOW, "oom")).after(death)

    known, _ = dead.looked(replace(STATE, status=status, exit_code=137), NOW)

    assert (known.end is None) is (status != "exited")


def test_an_order_from_before_its_start_says_nothing_of_its_next_end() -> None:
    told = Before().after(Happened("worker", NOW, "kill", signal="15"))
    death = Happened("worker", NOW + timedelta(seconds=9), "die", exit_code=137)
    for started, trouble in [
        (NOW - timedelta(seconds=1), Trouble.STOPPED),
        (NOW, Trouble.STOPPED),
        (NOW + timedelta(seconds=5), Trouble.CRASHED),
    ]:
        known, _ = told.looked(replace(STATE, started=started), NOW + timedelta(seconds=6))
        assert known.death(death).trouble is trouble


def test_what_lacked_memory_and_lives_is_told_by_one_look() -> None:
    before = Before().after(Happened("worker", NOW, "oom", "a:1"))
    well, ill = STATE.seen(NOW), replace(STATE, health="unhealthy").seen(NOW)

    lack = before.look(well)
    assert (lack.trouble, lack.image) == (Trouble.OUT_OF_MEMORY, "a:1")
    assert lack.detail == "the kernel killed a process in it at its memory limit"
    assert before.look(ill) == ill
    assert before.alive().look(well) == well


def test_what_was_before_a_start_whose_event_was_lost_explains_nothing_after_it() -> None:
    before = Before()
    for action, signal in (("kill", "15"), ("oom", ""), ("die", "")):
        before = before.after(Happened("worker", NOW, action, exit_code=0, signal=signal))
    later = NOW + timedelta(minutes=1)
    death = Happened("worker", later, "die", exit_code=137)

    for started in (NOW - timedelta(minutes=1), NOW):
        assert before.alive(started).death(death).trouble is Trouble.OUT_OF_MEMORY
    again = before.alive(NOW + timedelta(seconds=9))
    assert again.death(death).trouble is Trouble.CRASHED


def test_what_depends_on_what() -> None:
    depends = watch_rules(NAMES).depends

    assert depends["server"] == depends["worker"] == {"postgresql", "redis", DOCKER, STACK}
    assert depends["redis"] == {DOCKER, STACK}


def found(*services: str, project: str = "authentik") -> list[Found]:
    return [Found(each, project, each) for each in services]


@pytest.mark.parametrize(
    ("services", "known", "watched"),
    [
        (["postgresql", "server", "worker"], {}, {"postgresql", "server", "worker"}),
        (["postgresql", "worker"], {}, {"postgresql", "authentik", "worker"}),
        (["postgresql", "worker"], {Role.SERVER: "server"}, {"postgresql", "server", "worker"}),
        (["worker"], {Role.REDIS: "redis"}, {"postgresql", "authentik", "worker", "redis"}),
        (["postgresql", "authentik", "mailer"], {}, {"postgresql", "authentik", "worker"}),
    ],
)
def test_what_is_watched_also_where_it_is_missing(
    services: list[str], known: dict[Role, str], watched: set[str]
) -> None:
    project, chosen = watched_services(found(*services), WANTED, "", known)

    assert project == "authentik"
    assert set(chosen.values()) == watched


def test_a_database_that_is_no_container_is_not_missed() -> None:
    services = found("server", "worker")

    _, chosen = watched_services(services, WANTED, "", {}, has_database=False)

    assert set(chosen.values()) == {"server", "worker"}


def test_only_redis_may_be_away_for_good() -> None:
    known = {Role.REDIS: "redis", Role.SERVER: "server", Role.WORKER: "worker"}

    assert lasting(known, {"redis", "server"}) == known
    assert lasting(known, {"server"}) == {Role.SERVER: "server", Role.WORKER: "worker"}
    assert recalled(WANTED, {"server", "redis", "mailer"}) == {
        Role.SERVER: "server",
        Role.REDIS: "redis",
    }


@pytest.mark.parametrize(
    ("image", "is_missed"),
    [
        ("ghcr.io/goauthentik/server:2025.8.4", True),
        ("ghcr.io/goauthentik/server:2025.10.0", False),
        (f"localhost:5000/server:2025.10.0@sha256:{'0' * 64}", False),
        ("localhost:5000/server", True),
        ("ghcr.io/goauthentik/server:latest", True),
        (f"sha256:{'0' * 64}", True),
    ],
)
def test_redis_is_missed_until_the_server_is_of_a_version_without_it(
    image: str, *, is_missed: bool
) -> None:
    known = {Role.REDIS: "redis", Role.SERVER: "server"}
    services = [*found("postgresql", "worker"), replace(*found("server"), image=image)]

    _, chosen = watched_services(services, WANTED, "authentik", known)

    assert (Role.REDIS in chosen) is is_missed


def test_a_project_that_is_known_stays_the_one() -> None:
    others = found("postgresql", "server", project="other")

    project, chosen = watched_services(others, WANTED, "authentik", {Role.SERVER: "server"})

    assert project == "authentik"
    assert set(chosen.values()) == {"postgresql", "server", "worker"}


@pytest.mark.parametrize(
    ("containers", "words"),
    [
        ([], "no containers that look like"),
        (found("web"), "no containers that look like"),
        (found("worker") + found("worker", project="other"), "several projects.*authentik, other"),
    ],
    ids=["none", "others", "two"],
)
def test_where_nothing_or_too_much_looks_like_authentik(
    containers: list[Found], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        watched_services(containers, WANTED, "", {})
