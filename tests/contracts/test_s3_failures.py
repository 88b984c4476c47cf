"""Each way in which a bucket can refuse has its words, and none gives a secret away."""

import asyncio
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from bot.adapters.s3 import S3Credentials, S3Store
from bot.domain.errors import (
    BotError,
    ConfigError,
    ObjectNotFoundError,
    PortError,
)
from bot.domain.store_url import S3Location
from tests.contracts.places import KEY, QUICK, listed, put, read, s3_store, some_bytes
from tests.contracts.s3_proxy import (
    Fault,
    Proxy,
    dropped,
    error,
    proxy_before,
    without_effect,
)
from tests.s3_servers import PART_SIZE, S3Server

SMALL = some_bytes(1000)
LARGE = some_bytes(5 * PART_SIZE // 2)


FAILURES = {
    "access denied": (error(403, "AccessDenied"), "Allow this key", False),
    "the secret access key is wrong": (error(403, "SignatureDoesNotMatch"), "Correct AWS", False),
    "the access key id is unknown": (error(403, "InvalidAccessKeyId"), "Correct AWS", False),
    "the credentials have expired": (error(400, "ExpiredToken"), "Renew the", False),
    "this host's clock is wrong": (error(403, "RequestTimeTooSkewed"), "Set the clock", False),
    "no such bucket": (error(404, "NoSuchBucket"), "Create the bucket", False),
    "not found": (error(404, "NoSuchKey"), "", False),
    "the service asks to slow down": (error(503, "SlowDown"), "Try again", True),
    "the service fails": (error(500, "InternalError"), "Try again", True),
    "no space left in the store": (error(507, "Whatever"), "Raise the quota", False),
    "Odd (HTTP 400)": (error(400, "Odd"), "", False),
    "an unknown error (HTTP 400)": (error(400, "Odd&lt;hunter2"), "", False),
    "the connection broke": (dropped, "Check the network", True),
}


@pytest.mark.parametrize(
    ("message", "failure"), [pytest.param(*item, id=item[0]) for item in FAILURES.items()]
)
async def test_each_failure_has_words_and_a_remedy(
    store: S3Store, proxy: Proxy, message: str, failure: tuple[Fault, str, bool]
) -> None:
    fault, hint, retryable = failure
    proxy.fail("head", fault, times=99)
    proxy.fail("list", fault, times=99)

    with pytest.raises(PortError) as caught:
        await store.stat(KEY)

    assert str(caught.value) == f'look up object "{KEY}": {message}'
    assert caught.value.hint.startswith(hint)
    assert caught.value.retryable is retryable
    assert "hunter2" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "fault",
    [
        error(301, "PermanentRedirect", x_amz_bucket_region="eu-west-3"),
        error(400, "AuthorizationHeaderMalformed", x_amz_bucket_region="eu-west-3"),
    ],
    ids=["redirect", "malformed"],
)
async def test_another_region_is_named(store: S3Store, proxy: Proxy, fault: Fault) -> None:
    proxy.fail("delete", fault, times=99)

    with pytest.raises(PortError, match='the bucket is in region "eu-west-3"') as caught:
        await store.delete(KEY)

    assert caught.value.hint == "Set region=eu-west-3 in AKBOT_STORE."


def listing_of(fields: bytes) -> bytes:
    return b"<a><IsTruncated>false</IsTruncated><Contents>%s</Contents></a>" % fields


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(without_effect({}, b""), id="empty"),
        pytest.param(without_effect({}, b"<a/>"), id="other XML"),
        pytest.param(without_effect({}, b"<html>", 404), id="404"),
        pytest.param(
            without_effect({}, b"<a><IsTruncated>true</IsTruncated></a>"), id="no way to go on"
        ),
        pytest.param(
            without_effect({}, listing_of(b"<Key>a</Key>")), id="an object without a size"
        ),
        pytest.param(
            without_effect({}, listing_of(b"<Size>1</Size>")), id="an object without a name"
        ),
    ],
)
async def test_a_strange_answer_is_not_an_empty_store(
    store: S3Store, proxy: Proxy, answer: Fault
) -> None:
    proxy.fail("list", answer, times=99)

    with pytest.raises(PortError, match="the answer is not that of an S3 service"):
        await listed(store)


@pytest.mark.parametrize("operation", ["begin", "part", "get"])
async def test_a_strange_answer_is_an_error(store: S3Store, proxy: Proxy, operation: str) -> None:
    await put(store, "there", LARGE)
    proxy.fail(operation, without_effect({}, b""), times=99)

    with pytest.raises(PortError, match="the answer is not that of an S3 service"):
        await asyncio.gather(put(store, KEY, LARGE), read(store, "there"))


async def failure_of(store: S3Store) -> BotError:
    try:
        await put(store, KEY, SMALL)
    except BotError as caught:
        return caught
    finally:
        await store.close()
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("operation", ["list", "head", "begin", "part", "complete", "get"])
async def test_a_short_outage_is_sat_out_wherever_it_comes(
    store: S3Store, proxy: Proxy, operation: str
) -> None:
    times = QUICK.attempts * len(QUICK.delays)  # all that is tried but for the last time
    proxy.fail(operation, error(503, "SlowDown"), times=times)

    await put(store, KEY, LARGE)

    assert await listed(store) == [KEY]
    assert await read(store, KEY) == LARGE
    assert [rule.times for rule in proxy.rules] == [0]


async def test_a_missing_bucket(moto: S3Server, location: S3Location) -> None:
    store = s3_store(replace(location, bucket="no-such-bucket"), moto)
    with pytest.raises(PortError, match="no such bucket") as caught:
        await store.stat(KEY)
    assert not isinstance(caught.value, ObjectNotFoundError)

    assert str(await failure_of(store)) == f'write object "{KEY}": no such bucket'


async def test_an_unknown_key(s3rver_location: S3Location) -> None:
    pair = S3Credentials("nobody", SecretStr("hunter2"))

    failure = await failure_of(S3Store(s3rver_location, pair, patience=QUICK))

    assert str(failure) == f'write object "{KEY}": the access key id is unknown'


async def test_nobody_listens(moto: S3Server, location: S3Location) -> None:
    store = s3_store(replace(location, endpoint="http://127.0.0.1:9"), moto)

    failure = await failure_of(store)

    assert str(failure) == f'write object "{KEY}": cannot be reached'
    assert isinstance(failure, PortError)
    assert failure.retryable


@pytest.fixture
def no_aws_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("no_aws_settings")
async def test_no_credentials_at_all(location: S3Location) -> None:
    failure = await failure_of(S3Store(location, patience=QUICK))

    assert str(failure) == f'write object "{KEY}": no credentials found'
    assert failure.hint.startswith("Set AWS_ACCESS_KEY_ID")


@pytest.mark.usefixtures("no_aws_settings")
async def test_the_environment_is_asked_where_no_credentials_are_given(
    moto: S3Server, location: S3Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "moto")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "moto")
    store = S3Store(replace(location, endpoint=moto.endpoint), patience=QUICK)

    assert await put(store, KEY, SMALL) == len(SMALL)
    await store.close()


@pytest.mark.usefixtures("no_aws_settings")
async def test_a_profile_that_is_not_there(location: S3Location) -> None:
    failure = await failure_of(S3Store(replace(location, profile="night"), patience=QUICK))

    assert isinstance(failure, ConfigError)
    assert str(failure) == 'AKBOT_STORE: there is no AWS profile "night"'


@pytest.mark.usefixtures("no_aws_settings")
@pytest.mark.parametrize("name", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize("content", [b"\x7fELF\x80\xff", b"no section = 1\n"])
async def test_a_file_that_is_no_configuration_of_aws(
    location: S3Location,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    content: bytes,
) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    monkeypatch.setenv(name, str(file))

    failure = await failure_of(S3Store(location, patience=QUICK))

    assert isinstance(failure, ConfigError)
    assert name in str(failure)


def make_certificate(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "akbot test")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def tls_proxy(moto: S3Server, tmp_path: Path) -> Iterator[tuple[Proxy, Path]]:
    path = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with proxy_before(moto.endpoint, context) as proxy:
        yield proxy, path


async def test_an_untrusted_certificate(
    moto: S3Server, location: S3Location, tls_proxy: tuple[Proxy, Path]
) -> None:
    proxy, _ = tls_proxy

    failure = await failure_of(s3_store(replace(location, endpoint=proxy.endpoint), moto))

    assert str(failure).endswith(": the server's TLS certificate is not trusted")
    assert failure.hint == "Name the authority's certificate with ca=/FILE.pem in AKBOT_STORE."


async def test_over_tls_a_body_is_hashed_once(
    moto: S3Server, location: S3Location, tls_proxy: tuple[Proxy, Path]
) -> None:
    proxy, path = tls_proxy
    store = s3_store(replace(location, endpoint=proxy.endpoint, ca_file=path), moto)

    await put(store, KEY, LARGE)
    assert await read(store, KEY) == LARGE
    await store.close()

    for request in proxy.seen("part"):
        assert request.headers["x-amz-content-sha256"] == "UNSIGNED-PAYLOAD"
        assert request.headers["Content-MD5"]


async def test_a_ca_file_that_is_not_there(moto: S3Server, location: S3Location) -> None:
    failure = await failure_of(s3_store(replace(location, ca_file=Path("/no/ca.pem")), moto))

    assert isinstance(failure, ConfigError)
    assert str(failure) == 'AKBOT_STORE: there is no file "/no/ca.pem"'
