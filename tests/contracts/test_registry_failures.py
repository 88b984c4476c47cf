"""A registry that is slow, cut off, strict, greedy or hostile."""

import json
import logging
import subprocess
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.adapters.http_client import HttpClient
from bot.adapters.registry import HttpRegistry
from bot.adapters.registry_cache import RegistryCache
from bot.adapters.registry_login import DockerLogins
from bot.adapters.state_folder import StateFolder
from bot.domain.errors import BotError, ConfigError, IntegrityError, PortError, RefusedError
from bot.domain.image_name import ImageName
from bot.domain.registry_answers import Platform
from tests import registry_server as serving
from tests.fakes_stack import FakeClock
from tests.registry_server import REPOSITORY, RegistryServer, basic, registry_server

HERE = Platform("linux", "amd64")
TAG = "2025.2.1"
PASSWORD = "pw-for-test-1"
PATIENT = HttpClient(answer_within=60, whole_within=120)
HASTY = HttpClient(answer_within=0.5, whole_within=1.5)


@pytest.fixture
def server() -> Iterator[RegistryServer]:
    with registry_server() as server:
        server.add(TAG, "amd64", "arm64")
        yield server


@pytest.fixture
def name(server: RegistryServer) -> ImageName:
    return ImageName(server.host, REPOSITORY)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def registry(tmp_path: Path, clock: FakeClock) -> AsyncIterator[HttpRegistry]:
    made = make_registry(tmp_path, clock)
    yield made
    await made.close()


def make_registry(
    folder: Path, clock: FakeClock, endpoint: str = "", client: HttpClient = PATIENT
) -> HttpRegistry:
    cache = RegistryCache(StateFolder(folder / "state"))
    return HttpRegistry(endpoint, DockerLogins(folder), cache, clock, client)


def log_in(folder: Path, host: str, name: str = "anna", password: str = PASSWORD) -> None:
    auth = b64encode(f"{name}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))


async def test_pages_are_followed_to_their_end(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    wanted = [f"2025.4.{number}" for number in range(7)] + [TAG]
    for tag in wanted:
        server.add(tag)
    server.page_size = 3

    assert sorted(await registry.tags(name)) == sorted(wanted)
    assert len(server.asked) == 3


async def test_a_page_that_did_not_change_is_not_sent_again(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    first = await registry.tags(name)
    server.fault = lambda request: request.headers.get("If-None-Match") is None

    assert await registry.tags(name) == first
    server.fault = lambda _: False
    server.add("2025.2.2")
    assert "2025.2.2" in await registry.tags(name)


async def test_a_list_that_never_ends(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    link = f'</v2/{REPOSITORY}/tags/list?n=1000&last=x>; rel="next"'
    server.fault = serving.garbage(b'{"tags": ["a"]}', Link=link)

    with pytest.raises(IntegrityError, match="its list of tags does not end"):
        await registry.tags(name)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        pytest.param(serving.status(500), "it answered 500", id="500"),
        pytest.param(serving.status(503), "it answered 503", id="503"),
        pytest.param(serving.cut_off, "the answer broke off", id="cut off"),
        pytest.param(serving.hang_up, "it hung up without an answer", id="hung up"),
        pytest.param(serving.status(401), r"access denied \(401\)", id="401 without a challenge"),
        pytest.param(serving.status(403), r"access denied \(403\)", id="403"),
    ],
)
async def test_a_registry_in_trouble(
    registry: HttpRegistry,
    server: RegistryServer,
    name: ImageName,
    fault: serving.Fault,
    words: str,
) -> None:
    server.fault = fault

    with pytest.raises(PortError, match=words) as caught:
        await registry.tags(name)

    assert name.place in str(caught.value) or server.host in str(caught.value)
    assert caught.value.retryable == ("denied" not in words)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(serving.silence, id="silence"),
        pytest.param(serving.trickle, id="a byte now and then"),
    ],
)
async def test_a_registry_that_is_not_done_in_time_is_given_up(
    tmp_path: Path, clock: FakeClock, server: RegistryServer, name: ImageName, fault: serving.Fault
) -> None:
    server.fault = fault
    registry = make_registry(tmp_path, clock, client=HASTY)
    started = time.monotonic()

    with pytest.raises(PortError, match="does not answer in time") as caught:
        await registry.tags(name)
    await registry.close()

    assert time.monotonic() - started < 25, "the trickle takes 30"
    assert name.place in str(caught.value) or server.host in str(caught.value)
    assert caught.value.retryable


async def test_a_registry_that_is_away(registry: HttpRegistry) -> None:
    gone = ImageName("127.0.0.1:1", REPOSITORY)

    with pytest.raises(PortError, match=r"ask 127\.0\.0\.1:1: Connection refused") as caught:
        await registry.tags(gone)

    assert caught.value.retryable


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(b"<html>", "the list of tags is not JSON", id="a page for people"),
        pytest.param(b"[]", "the list of tags is not a JSON object", id="a list"),
        pytest.param(b'{"tags": {"a": 1}}', "the list of tags is none", id="no list"),
        pytest.param(b"[" * 100_000, "the list of tags is not JSON", id="too deep"),
        pytest.param(b" " * (5 << 20), "the answer is longer than", id="too long"),
    ],
)
async def test_dross_instead_of_tags(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, body: bytes, words: str
) -> None:
    server.fault = serving.garbage(body)

    with pytest.raises(IntegrityError, match=words):
        await registry.tags(name)


async def test_what_cannot_be_a_tag_is_left_out(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    tags = ["2025.2.1", 7, None, "a\nb", "../x", "x" * 10_000, "", "2025.2.4"]
    server.fault = serving.garbage(json.dumps({"tags": tags}).encode())

    assert await registry.tags(name) == ["2025.2.1", "2025.2.4"]


async def test_a_list_that_goes_on_elsewhere_is_not_followed(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    link = '<https://elsewhere.test/v2/x>; rel="next"'
    server.fault = serving.garbage(b'{"tags": []}', Link=link)

    with pytest.raises(IntegrityError, match="goes on at another server"):
        await registry.tags(name)


async def test_other_bytes_than_a_digest_names(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    for digest, (kind, body) in server.content.items():
        if b'"config"' in body and b'"layers"' in body:
            server.content[digest] = (kind, body.replace(b"1000", b"1001"))

    with pytest.raises(IntegrityError, match="it sent other bytes than sha256:"):
        await registry.image(name, TAG, HERE)


async def test_a_tag_whose_manifest_belies_its_digest(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    digest = server.tags[TAG]
    kind, body = server.content[digest]
    server.content[digest] = (kind, body + b" ")

    with pytest.raises(IntegrityError, match=f'the manifest of "{TAG}" belies its digest'):
        await registry.image(name, TAG, HERE)


async def test_a_token_is_fetched_for_pulling_this_repository_alone(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    server.wants_tokens()

    assert await registry.digest(name, TAG) == server.tags[TAG]

    first, token, second = server.asked
    assert (first.authorization, second.authorization) == ("", f"Bearer {serving.TOKEN}")
    assert "scope=repository%3Agoauthentik%2Fserver%3Apull" in token.path


async def test_a_token_serves_until_it_is_over(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    server.wants_tokens()
    await registry.tags(name)
    await registry.digest(name, TAG)
    assert [path for path in server.paths() if "/token" in path] == server.paths()[1:2]

    over = True

    def fault(request: serving.Handler) -> bool:
        nonlocal over
        if not over:
            return False
        over = False
        request.send(401, b"", **{"WWW-Authenticate": server.challenge})
        return True

    server.fault = fault
    assert await registry.tags(name) == [TAG]
    assert len([path for path in server.paths() if "/token" in path]) == 2


async def test_a_login_goes_to_the_token_server_and_into_no_message(
    registry: HttpRegistry,
    server: RegistryServer,
    name: ImageName,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.wants_tokens()
    server.login = basic("anna", PASSWORD)
    secrets = (PASSWORD, server.login, serving.TOKEN)

    with pytest.raises(PortError, match="access denied") as caught:
        await registry.tags(name)
    assert "docker login" in caught.value.hint
    log_in(tmp_path, server.host, password="another")
    with pytest.raises(PortError, match="access denied") as caught:
        await registry.tags(name)
    log_in(tmp_path, server.host)
    assert await registry.tags(name) == [TAG]
    server.fault = serving.cut_off
    with pytest.raises(PortError) as caught:
        await registry.tags(name)

    said = f"{caught.value.in_full()} {caught.value!r} {caplog.text} {registry!r}"
    assert not [secret for secret in secrets if secret in said]
    kept = (tmp_path / "state" / "registry.json").read_text()
    assert not [secret for secret in secrets if secret in kept]


async def test_a_registry_that_wants_name_and_password_itself(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, tmp_path: Path
) -> None:
    server.challenge, server.login = 'Basic realm="x"', basic("anna", PASSWORD)
    with pytest.raises(PortError, match="access denied"):
        await registry.tags(name)
    log_in(tmp_path, server.host)

    assert await registry.tags(name) == [TAG]


@pytest.mark.parametrize(
    "realm",
    ["http://elsewhere.test/token", "http://anna:pw@127.0.0.1/token", "file:///etc/passwd", "x"],
)
async def test_nobody_is_asked_for_a_token_without_tls(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, realm: str
) -> None:
    server.challenge = f'Bearer realm="{realm}",service="x"'

    with pytest.raises(IntegrityError, match="for a token to a place without TLS"):
        await registry.tags(name)


@pytest.mark.parametrize("body", [b"{}", b'{"token": 7}', b'{"token": "a\\r\\nHost: b"}', b"x"])
async def test_a_token_server_that_gives_none(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, body: bytes
) -> None:
    server.wants_tokens()

    def fault(request: serving.Handler) -> bool:
        return request.path.startswith("/token") and serving.garbage(body)(request)

    server.fault = fault

    with pytest.raises(IntegrityError, match="the answer of the token server"):
        await registry.tags(name)


async def test_no_token_goes_to_where_a_blob_lies(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    with registry_server() as elsewhere:
        elsewhere.content, elsewhere.tags = server.content, server.tags
        server.wants_tokens()
        server.blobs_elsewhere = elsewhere.url

        with pytest.raises(IntegrityError, match="it points to a place without TLS"):
            await registry.image(name, TAG, HERE)

        assert not elsewhere.asked


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for this machine that nobody has signed but itself."""
    file = tmp_path / "server.pem"
    request = (
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    )
    names = ("-subj", "/CN=registry.test", "-addext", "subjectAltName=IP:127.0.0.1")
    output = ("-keyout", file, "-out", tmp_path / "certificate.pem")
    subprocess.run(["openssl", *request, *names, *output], check=True, capture_output=True)
    with file.open("ab") as whole:
        whole.write((tmp_path / "certificate.pem").read_bytes())
    return file


async def test_a_blob_elsewhere_is_read_over_tls_and_without_the_token(
    server: RegistryServer, name: ImageName, tmp_path: Path, certificate: Path
) -> None:
    client = replace(PATIENT, authorities=certificate)
    cache = RegistryCache(StateFolder(tmp_path / "state"))
    registry = HttpRegistry("", DockerLogins(tmp_path), cache, FakeClock(), client)
    with registry_server(certificate) as elsewhere:
        elsewhere.content, elsewhere.tags = server.content, server.tags
        server.wants_tokens()
        server.blobs_elsewhere = elsewhere.url

        assert await registry.image(name, TAG, HERE)
        assert [each.authorization for each in elsewhere.asked] == [""]
    await registry.close()


async def test_a_certificate_that_nobody_trusts(
    name: ImageName, tmp_path: Path, certificate: Path
) -> None:
    with registry_server(certificate) as server:
        registry = make_registry(tmp_path, FakeClock(), server.url)
        with pytest.raises(PortError, match="its certificate is not trusted here") as caught:
            await registry.tags(name)
        await registry.close()

    assert not caught.value.retryable
    assert not server.asked


async def test_a_registry_that_points_to_itself_for_ever(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    server.blobs_elsewhere = server.url

    with pytest.raises(IntegrityError, match="it points from place to place"):
        await registry.image(name, TAG, HERE)


@pytest.mark.parametrize(
    ("header", "wait"),
    [("30", 30), ("", 60), ("soon", 60), ("99999999999", 6 * 3600)],
)
async def test_one_that_was_asked_too_often_is_left_alone(
    server: RegistryServer, name: ImageName, tmp_path: Path, header: str, wait: int
) -> None:
    clock = FakeClock()
    registry = make_registry(tmp_path, clock)
    server.fault = serving.too_often(header)
    with pytest.raises(PortError, match=r"asked too often \(429\)") as caught:
        await registry.tags(name)
    assert caught.value.retryable
    server.fault = lambda _: False
    asked = len(server.asked)

    another = make_registry(tmp_path, clock)  # another process of this host
    with pytest.raises(PortError, match=r"asked too often \(429\)"):
        await another.tags(name)
    assert len(server.asked) == asked
    clock.at += timedelta(seconds=wait - 1)
    with pytest.raises(PortError, match=r"asked too often \(429\)"):
        await another.tags(name)
    clock.at += timedelta(seconds=1)
    assert await another.tags(name) == [TAG]
    await another.close()
    await registry.close()


async def test_another_endpoint_is_asked_under_the_same_names(
    server: RegistryServer, tmp_path: Path, clock: FakeClock
) -> None:
    server.wants_tokens()
    server.login = basic("anna", PASSWORD)
    log_in(tmp_path, "ghcr.io", password="for the registry, not for its mirror")
    registry = make_registry(tmp_path, clock, server.url + "/")
    name = ImageName("ghcr.io", REPOSITORY)

    with pytest.raises(PortError, match=f"ghcr.io/{REPOSITORY} at {server.host}: access denied"):
        await registry.tags(name)
    assert all("Basic" not in each.authorization for each in server.asked)
    log_in(tmp_path, server.host)
    assert await registry.tags(name) == [TAG]
    await registry.close()


async def test_a_configuration_is_loaded_once(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    first = await registry.image(name, TAG, HERE)
    blobs = [path for path in server.paths() if "/blobs/" in path]

    assert await registry.image(name, TAG, HERE) == first
    assert [path for path in server.paths() if "/blobs/" in path] == blobs
    assert len(blobs) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"pages": 7, "configs": [], "waits": "x"}', b"\xff\xff", b"[" * 100_000],
)
async def test_a_damaged_cache_is_no_cache(
    registry: HttpRegistry, name: ImageName, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "registry.json").write_bytes(content)

    assert await registry.tags(name) == [TAG]
    assert await registry.image(name, TAG, HERE)


@pytest.mark.parametrize(
    "content",
    ['{"credsStore": "desktop", "auths": {"HOST": {}}}', '{"auths": {"x": 7}}', "[]", "{}"],
)
async def test_a_login_file_without_a_login(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, tmp_path: Path, content: str
) -> None:
    server.wants_tokens()
    (tmp_path / "config.json").write_text(content.replace("HOST", server.host))

    assert await registry.tags(name) == [TAG]


async def test_a_login_file_that_is_none(
    registry: HttpRegistry, server: RegistryServer, name: ImageName, tmp_path: Path
) -> None:
    server.wants_tokens()
    (tmp_path / "config.json").write_text("{")

    with pytest.raises(ConfigError, match=r'DOCKER_CONFIG: ".*config.json" is not JSON'):
        await registry.tags(name)


async def test_an_image_that_is_not_for_this_machine(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    server.add("2025.2.4")

    for tag in (TAG, "2025.2.4"):
        with pytest.raises(RefusedError, match="has no image for linux/riscv64, this machine"):
            await registry.image(name, tag, Platform("linux", "riscv64"))


async def test_every_error_is_one_line(
    registry: HttpRegistry, server: RegistryServer, name: ImageName
) -> None:
    for fault in (serving.garbage(b"\r\n\x1b[2J"), serving.hang_up, serving.too_often("5")):
        server.fault = fault
        with pytest.raises(BotError) as caught:
            await registry.tags(name)
        assert caught.value.in_full().isprintable()
