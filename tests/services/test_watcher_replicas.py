"""A service with several containers: each is watched, and told by a name of its own."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.container_state import Happened
from tests.services.test_watcher import WELL, Host

WORKERS = ("worker-1", "worker-2")


@pytest.fixture
async def host() -> Host:
    host = Host()
    host.containers.states = {
        **{name: state for name, state in WELL.items() if name != "worker"},
        **dict.fromkeys(WORKERS, WELL["worker"]),
    }
    await host.watcher.resume()
    await host.watcher.look()
    return host


async def look_at(host: Host, **changes: object) -> None:
    """The second worker is found so."""
    state = replace(WELL["worker"], **changes)  # type: ignore[arg-type]
    host.containers.states["worker-2"] = state
    await host.watcher.look()


async def test_one_that_is_down_is_told_though_the_other_serves(host: Host) -> None:
    await look_at(host, health="unhealthy")
    assert host.people.told == ["worker-2 unhealthy"]
    await look_at(host)
    await host.passes(40)

    assert host.people.told == ["worker-2 unhealthy", "worker-2 well again"]


async def test_both_are_told_each_by_its_name(host: Host) -> None:
    for each in WORKERS:
        await host.dies(each)

    assert host.people.told == ["worker-1 crashed", "worker-2 crashed"]


async def test_both_follow_from_the_database(host: Host) -> None:
    await host.dies("postgresql")
    for each in WORKERS:
        host.containers.states[each] = replace(WELL["worker"], health="unhealthy")
    host.containers.states["postgresql"] = replace(
        WELL["postgresql"], status="exited", exit_code=137
    )
    await host.watcher.look()

    assert host.people.told == ["postgresql crashed"]
    assert host.watcher.watch.open["postgresql"].others == {*WORKERS}


async def test_fewer_of_them_are_no_trouble_and_none_at_all_is(host: Host) -> None:
    del host.containers.states["worker-2"]
    await host.watcher.look()
    await host.passes(600)
    assert host.people.told == []
    assert "worker-1" in host.watcher.states
    del host.containers.states["worker-1"]
    await host.watcher.look()
    await host.passes(15)

    assert host.people.told == ["worker missing"]


async def test_one_that_is_removed_ends_its_incident(host: Host) -> None:
    await host.dies("worker-2")
    del host.containers.states["worker-2"]
    await host.watcher.look()
    await host.passes(60)

    assert host.people.told == ["worker-2 crashed", "worker-2 no longer there"]


async def test_another_one_comes_while_it_is_watched(host: Host) -> None:
    host.containers.states["worker-3"] = replace(WELL["worker"], status="exited", exit_code=1)
    await host.watcher.look()

    assert host.people.told == ["worker-3 crashed"]


async def test_a_restart_of_the_bot_knows_them_again(host: Host) -> None:
    await host.dies("worker-2")
    del host.containers.states["worker-1"]
    host.boot()
    await host.watcher.resume()
    await look_at(host)
    await host.passes(40)

    assert host.people.told == ["worker-2 crashed", "worker-2 well again"]


async def test_a_job_may_end_with_another_number_of_them(host: Host) -> None:
    host.is_quiet = True
    await look_at(host, status="exited", exit_code=0)
    del host.containers.states["worker-2"]
    host.containers.states["redis"] = None
    host.is_quiet = False
    await host.passes(2)
    await host.watcher.look()
    await host.passes(60)

    assert host.people.told == []
    assert {"worker-1", "authentik"} <= host.watcher.states.keys()


def scale(host: Host) -> None:
    """To two, the first of which is as it was."""
    first = host.containers.states.pop("worker")
    host.containers.states |= {"worker-1": first, "worker-2": WELL["worker"]}


@pytest.fixture
async def single() -> Host:
    host = Host()
    await host.watcher.resume()
    await host.watcher.look()
    return host


@pytest.mark.parametrize("boots", [True, False])
async def test_an_incident_goes_on_when_another_one_is_started_beside_it(
    single: Host, *, boots: bool
) -> None:
    await single.dies("worker")
    single.containers.states["worker"] = replace(WELL["worker"], status="exited", exit_code=137)
    await single.watcher.look()
    scale(single)
    for _ in range(2):
        await single.watcher.look()
        await single.passes(60)
        if boots:
            single.boot()
            await single.watcher.resume()
    await single.watcher.look()
    assert single.people.told == ["worker crashed"]
    single.containers.states["worker-1"] = WELL["worker"]
    await single.watcher.look()
    await single.passes(60)

    assert single.people.told == ["worker crashed", "worker-1 well again"]
    assert len(single.log.rows) == 1
    assert not await single.log.open_ones()


@pytest.mark.parametrize("boots", [True, False])
async def test_what_is_told_of_it_later_is_told_by_its_present_name(
    single: Host, *, boots: bool
) -> None:
    began = single.clock.now() - timedelta(seconds=1)
    await single.dies("worker")
    scale(single)
    single.containers.states["worker-1"] = replace(WELL["worker"], status="exited", exit_code=137)
    await single.watcher.look()
    if boots:
        single.boot()
        await single.watcher.resume()
        await single.watcher.look()
    (past,) = await single.log.since(began)

    assert past.ended is None
    assert past.incident.root == "worker-1"
    assert past.incident.name == "worker", "by which the messages of it are known"

    single.containers.states["worker-1"] = WELL["worker"]
    await single.watcher.look()
    await single.passes(60)
    (past,) = await single.log.since(began)

    assert past.ended
    assert past.incident.root == "worker-1", "also once it is over, and for any other process"


async def test_of_what_is_over_one_knows_how_it_was_called_when_it_opened(single: Host) -> None:
    began = single.clock.now() - timedelta(seconds=1)
    await single.dies("worker")
    single.containers.states["worker"] = WELL["worker"]
    await single.watcher.look()
    await single.passes(60)
    single.containers.states["worker"] = replace(WELL["worker"], status="exited", exit_code=137)
    await single.watcher.look()
    scale(single)
    await single.watcher.look()
    past = await single.log.since(began)

    assert [each.incident.root for each in past] == ["worker", "worker-1"]


async def test_one_that_is_well_once_there_are_two_ends_its_incident_so(single: Host) -> None:
    single.containers.states["worker"] = replace(WELL["worker"], health="unhealthy")
    await single.watcher.look()
    scale(single)
    single.containers.states["worker-1"] = WELL["worker"]
    await single.watcher.look()
    await single.passes(60)

    assert single.people.told == ["worker unhealthy", "worker-1 well again"]


async def test_what_events_said_of_it_counts_under_its_new_name(single: Host) -> None:
    await single.happens("worker", "kill", signal="15")
    scale(single)
    single.containers.states["worker-1"] = replace(WELL["worker"], status="exited", exit_code=137)
    await single.watcher.look()
    await single.passes(14)
    assert single.people.told == []
    await single.passes(2)

    assert single.people.told == ["worker-1 stopped"]


async def test_an_event_that_overtakes_the_look_that_finds_another_one_counts(
    single: Host,
) -> None:
    scale(single)
    single.containers.while_looking = Happened("worker", single.clock.at, "die", "a:1", 137)

    assert not await single.watcher.look()
