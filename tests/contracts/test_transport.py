"""The ways out of a container, on real containers: whole or an error, and nothing left behind."""

import asyncio
import hashlib
import random
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing

import pytest

from bot.adapters.engine_api import EngineApi
from bot.adapters.transport import Transport, Way, _Ending
from bot.domain.errors import PortError
from bot.domain.stack import Container
from tests.contracts.stacks import (
    bad_socket,
    docker,
    engine_api,
    idle,
    inside,
    inspect,
    listening,
    processes,
    until,
)

pytestmark = pytest.mark.docker

KNOWN = bytes(range(256)) + random.Random(1).randbytes(1_000_000 - 256)
WITHIN = 30


@pytest.fixture(scope="module")
def containers() -> Iterator[dict[Way, Container]]:
    with (
        idle("postgres:17") as bash,
        idle("postgres:15") as nc,
        idle("postgres:17", "--network", "none") as alone,
    ):
        found = {Way.BASH: bash, Way.NC: nc, Way.EXEC: alone}
        for container in found.values():
            inside(container, "sh", "-c", "cat >/known", stdin=KNOWN)
        yield found


@pytest.fixture(params=list(Way), ids=lambda way: way.name.lower())
def way(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture(params=[Way.BASH, Way.NC], ids=lambda way: way.name.lower())
def way_back(request: pytest.FixtureRequest) -> Way:
    found: Way = request.param
    return found


@pytest.fixture
async def api() -> AsyncIterator[EngineApi]:
    async with engine_api() as api:
        yield api


async def output(api: EngineApi, container: Container, *command: str) -> bytes:
    async with asyncio.timeout(WITHIN):
        stream = Transport(api).stream(container, command, {})
        async with aclosing(stream):
            return b"".join([block async for block in stream])


async def test_the_way_is_the_best_that_the_container_has(
    api: EngineApi, containers: dict[Way, Container]
) -> None:
    found = {way: await Transport(api).way(each) for way, each in containers.items()}

    assert found == {way: way for way in Way}


async def test_without_bash_and_nc_the_exec_stream_serves(api: EngineApi) -> None:
    with idle("postgres:15") as container:
        inside(container, "rm", "/usr/bin/nc")

        assert await Transport(api).way(container) is Way.EXEC
        assert await output(api, container, "echo", "whole") == b"whole\n"


async def test_a_container_that_calls_nobody_is_asked_only_once(
    api: EngineApi, containers: dict[Way, Container]
) -> None:
    transport = Transport(api)

    assert await transport.way(containers[Way.NC]) is Way.NC
    started = asyncio.get_running_loop().time()
    assert await transport.way(containers[Way.NC]) is Way.NC
    assert asyncio.get_running_loop().time() - started < 0.01


@pytest.mark.parametrize("image", ["postgres:17", "postgres:15"])
async def test_where_nobody_calls_back_this_time_the_exec_stream_serves(
    api: EngineApi, image: str
) -> None:
    """It has called once, and is cut off from its network since, or its host has no time for it."""
    with idle(image) as container:
        transport = Transport(api)
        assert await transport.way(container) is not Way.EXEC
        docker("network", "disconnect", "bridge", container.id)

        async with aclosing(transport.stream(container, ["echo", "whole"], {})) as stream:
            assert b"".join([block async for block in stream]) == b"whole\n"
        assert until(lambda: "echo" not in processes(container))


async def test_much_arrives_whole(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = "for i in 1 2 3 4 5; do cat /known /known /known /known /known /known /known "
    script += "/known /known /known; done"
    arrived = hashlib.sha256()
    size = 0
    async with asyncio.timeout(WITHIN):
        stream = Transport(api).stream(containers[way], ["sh", "-c", script], {})
        async with aclosing(stream):
            async for block in stream:
                arrived.update(block)
                size += len(block)

    assert size == 50 * len(KNOWN)
    assert arrived.digest() == hashlib.sha256(KNOWN * 50).digest()


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 256])
async def test_little_arrives_whole(
    api: EngineApi, containers: dict[Way, Container], way: Way, size: int
) -> None:
    arrived = await output(api, containers[way], "head", "-c", str(size), "/known")

    assert arrived == KNOWN[:size]


async def test_a_slow_trickle_arrives_whole(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = "for i in 1 2 3 4 5 6; do echo line $i; sleep 0.1; done"

    arrived = await output(api, containers[way], "sh", "-c", script)

    assert arrived == b"".join(b"line %d\n" % number for number in range(1, 7))


async def test_arguments_and_environment_arrive_as_they_are(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    odd = ["", "two words", "$HOME `id` \"'\\", "*", "-n", "новое\nline"]
    stream = Transport(api).stream(
        containers[way], ["sh", "-c", 'printf "%s|" "$MORE" "$@"', "x", *odd], {"MORE": "a b"}
    )

    assert b"".join([block async for block in stream]).decode().split("|")[:-1] == ["a b", *odd]


async def test_a_command_that_fails_is_an_error_with_its_own_words(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = "head -c 500000 /known; echo no room for this >&2; exit 3"

    with pytest.raises(PortError, match=r'^"sh" failed with exit code 3: no room for this$'):
        await output(api, containers[way], "sh", "-c", script)


async def test_a_program_that_is_not_there_is_an_error(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    with pytest.raises(PortError, match=r'"pg_dumb" failed with exit code 127: .*not found'):
        await output(api, containers[way], "pg_dumb", "--all")


async def test_a_shell_that_is_killed_is_a_cut_though_bytes_came(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = "head -c 500000 /known; sleep 0.2; kill -9 $PPID"

    with pytest.raises(PortError, match='the output of "sh" was cut off before its end'):
        await output(api, containers[way], "sh", "-c", script)


async def test_words_that_look_like_the_end_are_only_words(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = "echo akbot-exit soon >&2; sleep 0.2; echo whole; (sleep 0.3; echo late >&2) >&- &"

    assert await output(api, containers[way], "sh", "-c", script) == b"whole\n"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        pytest.param(b"akbot-exit 3\n", "", id="alone"),
        pytest.param(b"no room\nakbot-exit 3\n", "no room", id="after the program's words"),
        pytest.param(b"no room, akbot-exit 3\n", "no room,", id="in its last line"),
        pytest.param(b"akbot-exit 3\nnc: gone\n", "nc: gone", id="before words of nc"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_the_exit_code_is_found_however_it_arrives(said: bytes, words: str, size: int) -> None:
    ending = _Ending()

    for start in range(0, len(said), size):
        ending.add(said[start : start + size])

    assert (ending.code, ending.words) == (3, words)


async def test_a_reader_that_stops_early_leaves_nothing(
    api: EngineApi, containers: dict[Way, Container], way_back: Way
) -> None:
    mark = secrets.token_hex(8)
    command = ["sh", "-c", "while cat /known; do :; done", mark]
    stream = Transport(api).stream(containers[way_back], command, {})

    async with asyncio.timeout(WITHIN), aclosing(stream):
        await anext(stream)
        assert mark in processes(containers[way_back])

    assert until(lambda: mark not in processes(containers[way_back]))
    assert not inspect(containers[way_back].id)["ExecIDs"]


async def test_a_reader_that_is_cancelled_leaves_nothing(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    mark = secrets.token_hex(8)
    stream = Transport(api).stream(containers[way], ["sh", "-c", "echo; sleep 1", mark], {})

    async def read() -> None:
        async with aclosing(stream):
            async for _ in stream:
                pass

    reading = asyncio.create_task(read())
    assert await asyncio.to_thread(until, lambda: mark in processes(containers[way]))
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    assert until(lambda: mark not in processes(containers[way]))


async def test_secrets_are_in_no_command_line(
    api: EngineApi, containers: dict[Way, Container], way: Way
) -> None:
    script = """
all=$(cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ')
for secret in sleep "$AKBOT_TRAILER" "${AKBOT_TOKEN:-$AKBOT_TRAILER}" "$PGPASSWORD"; do
    case $all in *"$secret"*) echo shown ;; *) echo hidden ;; esac
done
"""
    environment = {"PGPASSWORD": secrets.token_hex(8)}
    stream = Transport(api).stream(containers[way], ["sh", "-c", script], environment)

    shown = b"".join([block async for block in stream]).split()

    assert shown == [b"shown", b"hidden", b"hidden", b"hidden"]


async def strangers(tokens: Sequence[bytes], gate: asyncio.Event) -> list[bytes]:
    """Call this process's next listener, as nobody should; what each is told."""
    while not (places := listening()):  # noqa: ASYNC110 - nobody tells when
        await asyncio.sleep(0)
    calls = [await asyncio.open_connection(*places[0]) for _ in tokens]
    for (_, writer), token in zip(calls, tokens, strict=True):
        writer.write(token)
    gate.set()
    answers = []
    for reader, writer in calls:
        async with asyncio.timeout(WITHIN):
            try:
                answers.append(await reader.read())
            except ConnectionResetError:
                answers.append(b"")
        writer.transport.abort()
    return answers


@pytest.mark.parametrize(
    "tokens",
    [
        pytest.param([b"f" * 32], id="wrong token"),
        pytest.param([b"f" * 100_000], id="long token"),
        pytest.param([b"f"], id="short token"),
        pytest.param([b""] * 6, id="silence of many"),
    ],
)
async def test_strangers_are_hung_up_on_and_do_not_disturb(
    containers: dict[Way, Container], tokens: list[bytes]
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        transport = Transport(api)
        await transport.way(containers[Way.BASH])
        bad.gate = asyncio.Event()
        calling = asyncio.create_task(strangers(tokens, bad.gate))

        async with asyncio.timeout(WITHIN):
            stream = transport.stream(containers[Way.BASH], ["cat", "/known"], {})
            arrived = b"".join([block async for block in stream])

        assert arrived == KNOWN
        assert await calling == [b""] * len(tokens)


async def test_an_end_that_only_looks_like_one_is_an_error(
    containers: dict[Way, Container],
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        bad.frames = 2

        with pytest.raises(PortError, match='the output of "cat" was cut off before its end'):
            await output(api, containers[Way.EXEC], "cat", "/known")

        assert sum(map(len, bad.passed)) > 1000


@pytest.mark.parametrize(
    "torn",
    [
        pytest.param(1, id="in the header"),
        pytest.param(8, id="after the header"),
        pytest.param(100, id="in the content"),
    ],
)
async def test_a_stream_torn_in_a_frame_is_an_error(
    containers: dict[Way, Container], torn: int
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        bad.frames, bad.torn = 0, torn

        with pytest.raises(PortError, match="the stream broke off"):
            await output(api, containers[Way.EXEC], "cat", "/known")
        bad.passed.clear()
        with pytest.raises(PortError, match="the stream broke off"):
            await api.run(containers[Way.EXEC].id, ["cat", "/known"])


async def test_an_exec_stream_cut_off_is_an_error_though_the_bytes_came_another_way(
    containers: dict[Way, Container], way_back: Way
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        transport = Transport(api)
        await transport.way(containers[way_back])
        bad.passed.clear()
        bad.frames = 0

        stream = transport.stream(containers[way_back], ["cat", "/known"], {})
        with pytest.raises(PortError, match="cut off before its end"):
            async with asyncio.timeout(WITHIN):
                [block async for block in stream]


async def test_a_command_that_still_runs_when_its_stream_ends_is_an_error(
    containers: dict[Way, Container],
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        bad.frames, bad.hurry = 0, True

        with pytest.raises(PortError, match='run "sh" in a container: the Engine hung up'):
            await api.run(containers[Way.EXEC].id, ["sh", "-c", "echo; sleep 1"])


async def test_bytes_that_come_with_the_head_of_the_response_are_kept(
    containers: dict[Way, Container],
) -> None:
    async with bad_socket() as bad, engine_api(bad.url) as api:
        bad.together = True

        for _ in range(3):
            assert await output(api, containers[Way.EXEC], "echo", "whole") == b"whole\n"


async def test_a_container_that_is_gone_is_an_error_in_the_engines_words(api: EngineApi) -> None:
    with idle("postgres:17", "--network", "none") as container:
        pass

    with pytest.raises(PortError, match=r'run "sh" in a container: .*No such container'):
        await output(api, container, "true")


async def test_an_engine_that_is_not_there_is_an_error_with_a_remedy(
    containers: dict[Way, Container],
) -> None:
    async with engine_api("tcp://127.0.0.1:1") as api:
        with pytest.raises(PortError, match="the Docker Engine does not answer") as raised:
            await output(api, containers[Way.EXEC], "true")

    assert raised.value.retryable
    assert "DOCKER_HOST" in raised.value.hint
