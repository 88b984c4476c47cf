"""Readings of the surroundings whose sources need no Docker: `df`, limits, certificates, files."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.answered_file import AnsweredFile
from bot.adapters.certificate import expiry_of
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.engine import DockerEngine
from bot.adapters.engine_api import EngineApi
from bot.adapters.images_file import ImagesFile
from bot.adapters.state_folder import StateFolder
from bot.adapters.surroundings import DockerSurroundings
from bot.adapters.surroundings_disks import df_lines, each_once
from bot.adapters.surroundings_usage import cpu_limit
from bot.domain.discovery import StackWanted
from bot.domain.errors import ConfigError, PortError
from bot.domain.known_images import KnownImages
from bot.domain.site_checks import SiteChecks
from bot.domain.surroundings import DiskRoom
from bot.services.surroundings_ports import AnsweredMark
from tests.e2e.test_daemon import free_port
from tests.e2e.tls_site import Authority, tls_site
from tests.fakes_engine_api import engine_api
from tests.fakes_stack import make_container, make_stack
from tests.services.test_surroundings import FakeAnswered

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DF = """Filesystem           1024-blocks    Used Available Capacity Mounted on
/dev/vda             263974340  77000000  30000000  72% /var/lib/postgresql/data
//nas/share of ours  1000 900 100 90% /media/my files
tmpfs                0 0 0 - /run
df: /gone: No such file or directory
"""


def test_df_is_read_as_posix_has_it() -> None:
    assert df_lines(DF) == [
        ("/dev/vda", 77000000 * 1024, 30000000 * 1024, "/var/lib/postgresql/data"),
        ("//nas/share of ours", 900 * 1024, 100 * 1024, "/media/my files"),
        ("tmpfs", 0, 0, "/run"),
    ]


def test_a_file_system_is_known_by_its_device() -> None:
    found = [
        ("/dev/sda1", DiskRoom("/srv/database", 50, 50)),
        ("tmpfs", DiskRoom("/srv/fast", 0, 64)),
        ("/dev/sda1", DiskRoom("/srv/media", 50, 49)),  # some room went meanwhile
        ("nas:/one", DiskRoom("/nas/one", 10, 90)),
        ("tmpfs", DiskRoom("/srv/other", 0, 32)),
    ]
    places = [each.place for each in each_once(found)]

    assert places == ["/srv/database", "/srv/fast", "/nas/one", "/srv/other"]


@pytest.mark.parametrize(
    ("host", "cores"),
    [
        ({}, None),
        ({"NanoCpus": 0, "CpuQuota": 0}, None),
        ({"CpuQuota": -1}, None),
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 0}, 0.5),
        ({"CpuQuota": 50_000, "CpuPeriod": 200_000}, 0.25),
    ],
)
def test_a_limit_of_the_processor_has_two_forms(
    host: Mapping[str, int], cores: float | None
) -> None:
    assert cpu_limit(host) == cores


async def test_a_certificate_expires_whoever_signed_it(tmp_path: Path) -> None:
    certificate, port = Authority(tmp_path).certificate(timedelta(days=3)), free_port()
    with tls_site(certificate, port):
        expires = await expiry_of("localhost", port, 10)

    assert timedelta(days=2) < expires - datetime.now(UTC) < timedelta(days=3)


@asynccontextmanager
async def server(answer: bytes | None) -> AsyncIterator[int]:
    """One that speaks no TLS, or says nothing at all."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield int(listening.sockets[0].getsockname()[1])


async def test_what_speaks_no_tls_has_no_certificate() -> None:
    async with server(b"HTTP/1.0 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(PortError, match=f"speak TLS with 127.0.0.1:{port}"):
            await expiry_of("127.0.0.1", port, 10)
    async with server(None) as port:
        with pytest.raises(PortError, match="does not answer in time"):
            await expiry_of("127.0.0.1", port, 0.1)
    with pytest.raises(PortError, match="speak TLS"):
        await expiry_of("127.0.0.1", free_port(), 10)


@asynccontextmanager
async def server_of_fakes(tmp_path: Path, *running: str) -> AsyncIterator[DockerSurroundings]:
    """No public URL is known, and no port is published."""
    with engine_api("server", running=running) as address:
        api = EngineApi(address)
        engine, compose = DockerEngine(api, StackWanted("", {})), ComposeProgram({}, tmp_path)
        yield DockerSurroundings(engine, compose, SiteChecks())
        await api.close()


@pytest.mark.parametrize("state", ["exited", "running"], ids=["stopped", "just stopped"])
async def test_whether_a_server_that_does_not_run_has_a_certificate_cannot_be_told(
    state: str, tmp_path: Path
) -> None:
    server = make_container("server", id="server", state=state)
    async with server_of_fakes(tmp_path) as outside:
        with pytest.raises(PortError, match='"authentik-server" does not run'):
            await outside.certificate(replace(make_stack(), server=server))


async def test_a_server_that_publishes_nothing_has_no_certificate(tmp_path: Path) -> None:
    server = make_container("server", id="server")
    async with server_of_fakes(tmp_path, "server") as outside:
        assert await outside.certificate(replace(make_stack(), server=server)) is None


async def test_known_images_outlast_a_restart(tmp_path: Path) -> None:
    mark = ImagesFile(StateFolder(tmp_path / "state"))
    assert await mark.read() is None
    known = KnownImages(NOW, {"worker": ("a:1", "sha256:11")})
    await mark.write(known)
    assert await ImagesFile(StateFolder(tmp_path / "state")).read() == known

    (tmp_path / "state" / "images").write_text("{")
    with pytest.raises(ConfigError, match="is damaged") as raised:
        await mark.read()
    assert "Remove it" in raised.value.hint


@pytest.fixture(params=["fake", "file"])
def answered(request: pytest.FixtureRequest, tmp_path: Path) -> AnsweredMark:
    return (
        FakeAnswered() if request.param == "fake" else AnsweredFile(StateFolder(tmp_path / "state"))
    )


async def test_the_pages_that_answered_are_those_that_were_written_last(
    answered: AnsweredMark,
) -> None:
    assert await answered.read() == {}
    await answered.write({"the public URL": "https://a.example/"})
    await answered.write({"the public URL": "https://b.example/"})

    assert await answered.read() == {"the public URL": "https://b.example/"}


async def test_a_damaged_file_of_pages_is_told_with_its_way_out(tmp_path: Path) -> None:
    (tmp_path / "answered").write_text("{")

    with pytest.raises(ConfigError, match="is damaged") as raised:
        await AnsweredFile(StateFolder(tmp_path)).read()
    assert "Remove it" in raised.value.hint
