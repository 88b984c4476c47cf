"""Incidents of the containers, told to everybody on the list; and how people mute them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.container_state import DOCKER, STACK
from bot.domain.cure import Treatment
from bot.domain.errors import PortError
from bot.domain.incident import Closed, Incident, Opened, Reminded, Trouble
from bot.domain.surroundings_subjects import wanted_image
from tests.telegram_chat.world import NOW, World

INCIDENT = Incident(
    root="postgresql",
    trouble=Trouble.OUT_OF_MEMORY,
    detail="the kernel killed it at its memory limit, exit code 137",
    image="postgres:16",
    began=NOW - timedelta(minutes=2),
    opened=NOW,
)


async def test_an_opening_says_what_and_why_and_has_a_way_on(world: World) -> None:
    server = replace(INCIDENT, root="server-1", opened_as="<server>", trouble=Trouble.UNHEALTHY)
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(INCIDENT, (server,)))
        await chat.incidents.opened(Opened(INCIDENT, (server,)))
        told = await world.said("postgresql ran out of memory at 11:58")
        await world.said("postgresql ran out of memory", world.boris.chat)
        await world.all_sent()
        assert "\nThe kernel killed it at its memory limit" in told.text
        assert "That explains what I said of <server>." in told.text
        assert told.labels == ["Status", "Logs"]
        assert not told.silent
        assert len(world.boris.chat.from_bot) == 1
        world.anna.presses(told, "Logs")
        await world.eventually(lambda: world.lookout.asked)


async def test_an_incident_that_goes_on_under_another_name_is_not_told_twice(world: World) -> None:
    began = replace(INCIDENT, root="worker", trouble=Trouble.CRASHED)
    renamed = replace(began, root="worker-1", opened_as="worker")
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(began))
        await chat.incidents.opened(Opened(renamed))
        await chat.incidents.closed(Closed(renamed, NOW))
        await chat.incidents.closed(Closed(replace(INCIDENT, root="worker"), NOW))
        await world.said("🟢 worker-1 is well again")
        await world.all_sent()

        assert len(world.boris.chat.from_bot) == 2


async def test_a_loop_of_restarts_is_called_so(world: World) -> None:
    detail = "it ends by itself with exit code 0, and Docker starts it again"
    loop = replace(INCIDENT, trouble=Trouble.RESTARTING, detail=detail)
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(loop))
        told = await world.said("🔴 postgresql keeps restarting since 11:58")

    assert told.text.splitlines()[1:] == [
        "It ends by itself with exit code 0, and Docker starts it again.",
        "Its log may say what ends it. I tell you when it is well again.",
    ]
    assert told.labels == ["Status", "Logs"]


@pytest.mark.parametrize(
    ("trouble", "next_step"),
    [
        (Trouble.PAUSED, "If nobody wants that, run docker compose unpause worker."),
        (
            Trouble.CRASHED,
            "docker compose logs --index 2 worker on the host shows its log.",
        ),
    ],
)
async def test_one_of_several_is_named_and_no_log_of_another_is_offered(
    world: World, trouble: Trouble, next_step: str
) -> None:
    crashed = replace(INCIDENT, root="worker-2", trouble=trouble, detail="")
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(crashed))
        told = await world.said("worker-2")
        await chat.incidents.gave_up(crashed, [Treatment(service="worker-2", at=NOW, opened=NOW)])
        end = await world.said("worker-2 is unhealthy still")

    assert told.text.splitlines()[1].startswith(next_step)
    assert told.labels == ["Status"]
    assert end.text.endswith("\nNext: docker compose logs --index 2 worker may say why.")


async def test_an_end_says_how_long_and_what_is_different(world: World) -> None:
    incident = replace(INCIDENT, flaps=3, others=frozenset({"worker", "authentik"}))
    ended = NOW + timedelta(minutes=10)
    async with world.talking() as chat:
        world.clock.advance(600)
        await chat.incidents.closed(Closed(incident, ended, "postgres:17", frozenset({"worker"})))
        told = await world.said("postgresql is well again since 12:10 (just now), after 12 min 0 s")

    assert told.text.splitlines()[1:] == [
        "In between it broke down again 3 times.",
        "With it were down: authentik, worker.",
        "Still not well: worker.",
        "Its image is another one now: postgres:17.",
    ]


async def test_an_end_of_one_that_is_gone_for_good_says_so(world: World) -> None:
    gone = Closed(INCIDENT, NOW, left=frozenset({"worker"}), is_here=False)
    async with world.talking() as chat:
        await chat.incidents.closed(gone)
        told = await world.said("postgresql is no longer part of the stack, 2 min 0 s after its")

    assert told.text.splitlines()[1:] == [
        "If it should be there, run docker compose up -d on the host.",
        "Still not well: worker.",
    ]


async def test_an_opening_says_that_it_is_restarted_where_that_may_help(world: World) -> None:
    world.restarts = 3
    ill = replace(INCIDENT, root="server", trouble=Trouble.UNHEALTHY)
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(ill))
        told = await world.said("server is unhealthy since 11:58")
        await chat.incidents.opened(Opened(INCIDENT))
        crashed = await world.said("postgresql ran out of memory")

    words = "If nothing else is the cause I restart it, at most 3 times an hour."
    assert words in told.text
    assert words not in crashed.text


async def test_an_end_says_when_akbot_restarted_what(world: World) -> None:
    incident = replace(INCIDENT, others=frozenset({"worker"}))

    def treated(service: str, minutes: int, failure: str = "") -> Treatment:
        at = NOW + timedelta(minutes=minutes)
        return Treatment(service=service, at=at, opened=NOW, failure=failure)

    for each in (
        treated("postgresql", -30),
        treated("postgresql", 1),
        treated("worker", 2),
        treated("redis", 3),
        treated("postgresql", 4, "no such port"),
        treated("postgresql", 5),
    ):
        await world.cures.write(each)
    async with world.talking() as chat:
        await chat.incidents.closed(Closed(incident, NOW + timedelta(minutes=10)))
        told = await world.said("postgresql is well again since 12:10")

    assert told.text.splitlines()[1:] == [
        "I restarted it at 12:01 and 12:05.",
        "I restarted worker at 12:02.",
        "With it were down: worker.",
    ]


@pytest.mark.parametrize(
    ("failures", "lines"),
    [
        (
            ["", ""],
            [
                "I restarted it 2 times within an hour, last at 11:51 (9 min ago).",
                "I stop now, until it was well.",
            ],
        ),
        (
            ["port is allocated <already>"],
            [
                "I tried to restart it once within an hour, last at 11:50 (10 min ago).",
                "I stop now, until it was well.",
                "Docker said: port is allocated <already>",
            ],
        ),
    ],
)
async def test_that_restarts_do_not_help_is_told_once(
    world: World, failures: list[str], lines: list[str]
) -> None:
    ill = replace(INCIDENT, root="server", trouble=Trouble.UNHEALTHY)
    at = NOW - timedelta(minutes=10)
    tried = [
        Treatment(service="server", at=at + timedelta(minutes=number), opened=NOW, failure=failure)
        for number, failure in enumerate(failures)
    ]
    async with world.talking() as chat:
        await chat.incidents.gave_up(ill, tried)
        await chat.incidents.gave_up(ill, tried)
        told = await world.said("server is unhealthy still, since 11:58 (2 min ago)")
        await world.all_sent()

    assert told.text.splitlines()[1:] == [*lines, "Next: /logs server may say why."]
    assert told.labels == ["Status", "Logs"]
    assert not told.silent
    assert len(world.anna.chat.from_bot) == 1


async def test_a_reminder_says_how_to_have_peace(world: World) -> None:
    async with world.talking() as chat:
        await chat.incidents.reminded(Reminded(replace(INCIDENT, reminders=1)))
        told = await world.said("postgresql ran out of memory still, since 11:58 (2 min ago)")

    assert "/mute 2h keeps me quiet." in told.text


async def test_docker_itself_is_no_container(world: World) -> None:
    incident = replace(INCIDENT, root=DOCKER, trouble=Trouble.STOPPED, detail="no route")
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(incident))
        opened = await world.said("The Docker Engine does not answer since 11:58")
        await chat.incidents.closed(Closed(incident, NOW))
        await world.said("The Docker Engine is well again since 12:00 (just now), after 2 min 0 s")

    assert "systemctl status docker" in opened.text


async def test_a_stack_that_is_not_found_is_no_container(world: World) -> None:
    words = "Docker has no containers that look like Authentik"
    incident = replace(INCIDENT, root=STACK, trouble=Trouble.MISSING, detail=words)
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(incident))
        opened = await world.said("The stack cannot be found since 11:58")
        await chat.incidents.closed(Closed(incident, NOW))
        await world.said("The stack is there again since 12:00 (just now), after 2 min 0 s")

    assert opened.text.splitlines()[1:] == [
        f"{words}.",
        "Run docker compose up -d on the host, or name its project in AKBOT_PROJECT.",
    ]


DISK = Incident(
    root="disk of /srv/authentik",
    trouble=Trouble.DISK,
    detail="91% used, 9.0 GB free",
    image="",
    began=NOW - timedelta(minutes=2),
    opened=NOW,
)


async def test_what_works_still_is_a_warning(world: World) -> None:
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(DISK))
        told = await world.said("🟡 disk of /srv/authentik is nearly full since 11:58")
        await chat.incidents.reminded(Reminded(replace(DISK, reminders=1)))
        await world.said("🟡 disk of /srv/authentik is nearly full still, since 11:58")
        await chat.incidents.closed(Closed(DISK, NOW))
        await world.said("🟢 disk of /srv/authentik is well again since 12:00")

    assert told.text.splitlines()[1:] == [
        "91% used, 9.0 GB free.",
        "Make room: a full disk stops the database.",
    ]
    assert told.labels == ["Status"]


@pytest.mark.parametrize(
    ("trouble", "headline", "remedy"),
    [
        (Trouble.UNREACHABLE, "🔴 it is unreachable", "look at the proxy"),
        (Trouble.NOT_READY, "🔴 it is failing", "I tell you when"),
        (Trouble.SILENT, "🔴 it is overdue", "run docker compose restart it."),
        (Trouble.MEMORY, "🟡 it is nearly used up", "Raise the limit"),
        (Trouble.CPU, "🟡 it is used up", "raise the limit"),
        (Trouble.CONNECTIONS, "🟡 it is nearly reached", "max_connections"),
        (Trouble.CERTIFICATE, "🟡 it is about to expire", "Renew it"),
        (Trouble.IMAGE, "🟡 it is another one", "send /backup"),
    ],
)
async def test_what_is_around_the_containers_says_what_to_do(
    world: World, trouble: Trouble, headline: str, remedy: str
) -> None:
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(replace(DISK, root="it", trouble=trouble)))
        told = await world.said(f"{headline} since 11:58")

    assert remedy in told.text


@pytest.mark.parametrize(
    ("service", "remedy"),
    [
        *(
            (each, "Set the tag back to what runs, then send /update, which makes a backup first.")
            for each in ("server", "worker")
        ),
        *(
            (each, "Set it back to what runs, or send /backup first: /update does not change it.")
            for each in ("postgresql", "redis")
        ),
    ],
)
async def test_an_image_that_would_come_next_is_not_started_without_a_backup(
    world: World, service: str, remedy: str
) -> None:
    drift = replace(DISK, root=wanted_image(service), trouble=Trouble.DRIFT, detail="a runs")
    async with world.talking() as chat:
        await chat.incidents.opened(Opened(drift))
        told = await world.said(f"🟡 configured image of {service} is not the one that runs since")
        await chat.incidents.reminded(Reminded(replace(drift, reminders=1)))
        again = await world.said(f"🟡 configured image of {service} is not the one that runs still")

    assert told.text.splitlines()[1:] == ["A runs.", remedy]
    assert again.text.splitlines()[1] == remedy


async def test_what_is_watched_no_more_is_no_part_of_the_stack(world: World) -> None:
    async with world.talking() as chat:
        await chat.incidents.closed(Closed(DISK, NOW, is_here=False))
        told = await world.said("⚪ disk of /srv/authentik is watched no more, 2 min 0 s after")

    assert len(told.text.splitlines()) == 1


async def test_the_status_shows_what_is_wrong_around_the_containers(world: World) -> None:
    world.incidents = (DISK, INCIDENT)
    async with world.talking():
        answer = await world.asks(world.anna, "/status")

    assert (
        "🟡 disk of /srv/authentik is nearly full since 11:58 (2 min ago): 91% used" in answer.text
    )
    assert "out of memory" not in answer.text


async def test_people_mute_for_a_length(world: World) -> None:
    async with world.talking():
        answer = await world.asks(world.anna, "/mute 2h")
        assert answer.text.startswith("🔕 Muted until 14:00")
        assert world.muted_until == NOW + timedelta(hours=2)
        asked = await world.asks(world.anna, "/mute")
        assert asked.text.startswith("🔕 Muted until 14:00 (in 2 h 0 min).\nFor how long? /mute 2h")
        world.mute_fails = PortError("no space left")
        failed = await world.asks(world.anna, "/mute 2h")
        assert "no space left" in failed.text
