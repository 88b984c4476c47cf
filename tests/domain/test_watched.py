"""By which names containers are watched, where a service has one of them or several."""

import pytest

from bot.domain.discovery import Found, StackWanted, recalled
from bot.domain.replicas import called_anew, number_of, service_of
from bot.domain.stack import Role
from bot.domain.watched import Watched, recalled_several, watched_containers

SERVICES = {"postgresql", "server", "worker"}
ALONE = Watched()
SEVERAL = Watched(several=frozenset({"worker"}))


def found(*names: str) -> list[Found]:
    """Each as its id, its service, and its number."""
    return [Found(name, "authentik", *name.rsplit("-", 1)) for name in names]


@pytest.mark.parametrize(
    ("members", "before", "names"),
    [
        pytest.param(
            ["postgresql-1", "server-1", "worker-1", "mailer-1", "mailer-2"],
            ALONE,
            {"postgresql": "postgresql-1", "server": "server-1", "worker": "worker-1"},
            id="one of each",
        ),
        pytest.param(
            ["postgresql-1", "server-1", "worker-1", "worker-3"],
            ALONE,
            {
                "postgresql": "postgresql-1",
                "server": "server-1",
                "worker-1": "worker-1",
                "worker-3": "worker-3",
            },
            id="several",
        ),
        pytest.param(
            ["postgresql-1", "server-1", "worker-3"],
            SEVERAL,
            {"postgresql": "postgresql-1", "server": "server-1", "worker-3": "worker-3"},
            id="one that is left of several keeps its name",
        ),
        pytest.param(
            ["postgresql-1", "server-1"],
            SEVERAL,
            {"postgresql": "postgresql-1", "server": "server-1", "worker": None},
            id="none that is left of several",
        ),
        pytest.param([], ALONE, dict.fromkeys(SERVICES), id="none at all"),
    ],
)
def test_what_they_are_called(
    members: list[str], before: Watched, names: dict[str, str | None]
) -> None:
    watched = watched_containers(found(*members), SERVICES, before)

    assert {name: each and each.id for name, each in watched.containers.items()} == names
    assert watched.ids == {name: each for name, each in names.items() if each}


def test_one_that_takes_anothers_place_is_not_a_second_one() -> None:
    new, old = Found("new", "authentik", "worker", "1"), Found("old", "authentik", "worker", "1")

    watched = watched_containers([new, old], {"worker"}, ALONE)

    assert watched.ids == {"worker": "old"}


def test_several_that_all_were_away_are_named_anew() -> None:
    away = watched_containers([], {"worker"}, SEVERAL)

    assert watched_containers(found("worker-1"), {"worker"}, away).ids == {"worker": "worker-1"}


@pytest.mark.parametrize(
    ("members", "before", "number", "name"),
    [
        (["worker-1"], ALONE, "1", "worker"),
        (["worker-1"], ALONE, "2", "worker-2"),
        ([], ALONE, "1", "worker"),
        (["worker-1", "worker-2"], ALONE, "2", "worker-2"),
        (["worker-2"], SEVERAL, "2", "worker-2"),
    ],
)
def test_whose_event_it_is_also_before_a_look_has_seen_it(
    members: list[str], before: Watched, number: str, name: str
) -> None:
    watched = watched_containers(found(*members, "server-9"), {"worker", "server"}, before)

    assert watched.name_of("worker", number) == name


@pytest.mark.parametrize(
    ("name", "service", "number"),
    [
        ("worker", "worker", ""),
        ("worker-2", "worker", "2"),
        ("worker-12", "worker", "12"),
        ("worker-2b", "worker-2b", ""),
        ("pool-1", "pool-1", ""),
        ("pool-1-2", "pool-1", "2"),
        ("mailer-1", "mailer-1", ""),
        ("Docker", "Docker", ""),
        ("disk of /srv/x-1", "disk of /srv/x-1", ""),
    ],
)
def test_whose_replica_a_name_is(name: str, service: str, number: str) -> None:
    services = {"worker", "pool-1"}

    assert service_of(name, services) == service
    assert number_of(name, services) == number


@pytest.mark.parametrize(
    ("names", "before", "called"),
    [
        pytest.param(["worker-1", "worker-2"], ["worker"], {"worker": "worker-1"}, id="scaled up"),
        pytest.param(["worker-10", "worker-9"], ["worker"], {"worker": "worker-9"}, id="lowest"),
        pytest.param(["worker"], ["worker"], {}, id="as before"),
        pytest.param(["worker"], ["worker-1", "worker-2"], {}, id="all of several went"),
        pytest.param(["worker-1"], ["worker", "worker-1"], {}, id="known by that name before"),
        pytest.param(["server", "workers-1"], ["worker"], {}, id="it went"),
    ],
)
def test_what_one_that_was_alone_is_called_as_one_of_several(
    names: list[str], before: list[str], called: dict[str, str]
) -> None:
    assert called_anew(names, before) == called


def test_names_of_replicas_recall_their_service() -> None:
    wanted = StackWanted("", {Role.SERVER: ("authentik", "server"), Role.WORKER: ("worker",)})

    known = recalled(wanted, {"server-2", "worker"})

    assert known == {Role.SERVER: "server", Role.WORKER: "worker"}
    assert recalled_several({"server-2", "worker"}, known.values()).several == {"server"}


def test_what_is_gone_is_forgotten_unless_it_is_missed() -> None:
    watched = watched_containers(found("worker-1"), {"worker", "server", "redis"}, ALONE)

    assert watched.without_gone({"worker", "server"}) == {"worker", "server"}
    assert watched.without_gone({"server"}) == {"worker", "server"}
