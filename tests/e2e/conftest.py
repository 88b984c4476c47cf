from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.akbot import Akbot
from tests.e2e.filled import fill_redis
from tests.e2e.recovery import stack
from tests.sandbox.fixture import Sandbox, engine, sandbox, script

__all__ = ["engine", "sandbox", "stack"]


@pytest.fixture
def akbot(sandbox: Sandbox, tmp_path: Path) -> Akbot:
    """The command line against the sandbox's stack and S3, with a state folder of its own."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    settings = {"AKBOT_STATE": str(tmp_path / "state"), "AKBOT_STACK": tmp_path.name}
    return Akbot(folder, {**sandbox.environment, **settings})


@pytest.fixture(scope="session")
def filled(sandbox: Sandbox) -> Sandbox:
    """The sandbox with a database of 64 MiB at least, media, and something in Redis."""
    script("fill", "64MiB", "--media", "200")
    fill_redis(sandbox)
    return sandbox


@pytest.fixture
def large_table(filled: Sandbox) -> Iterator[None]:
    """Rows besides that do not compress, more than the limit of memory: a dump takes a while."""
    filled.psql(
        "CREATE TABLE test_large AS SELECT sha512(n::text::bytea) a, sha512((-n)::text::bytea) b"
        " FROM generate_series(1, 1200000) n"
    )
    assert filled.psql("SELECT pg_table_size('test_large') > 180 * 1024 * 1024") == [["t"]]
    yield
    filled.psql("DROP TABLE test_large")


@pytest.fixture
def keys_in_redis(filled: Sandbox) -> None:
    """Something in Redis, also after a test that followed the runbook, which flushes it."""
    fill_redis(filled)
