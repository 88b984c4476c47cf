from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.s3 import S3Store
from bot.domain.store_url import S3Location
from tests.contracts.places import new_bucket, s3_store
from tests.contracts.s3_proxy import Proxy, proxy_before
from tests.s3_servers import S3Server, moto_server, s3rver_server


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    with moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3rver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3rver_server(tmp_path_factory.mktemp("s3rver")) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "backups" / "of" / "host"


@pytest.fixture
def location(moto: S3Server) -> S3Location:
    return new_bucket(moto)


@pytest.fixture
def s3rver_location(s3rver: S3Server) -> S3Location:
    return new_bucket(s3rver)


@pytest.fixture
def proxy(moto: S3Server) -> Iterator[Proxy]:
    with proxy_before(moto.endpoint) as proxy:
        yield proxy


@pytest.fixture
async def store(moto: S3Server, proxy: Proxy, location: S3Location) -> AsyncIterator[S3Store]:
    store = s3_store(replace(location, endpoint=proxy.endpoint), moto)
    yield store
    await store.close()


@pytest.fixture
async def witness(moto: S3Server, location: S3Location) -> AsyncIterator[S3Store]:
    store = s3_store(location, moto)
    yield store
    await store.close()
