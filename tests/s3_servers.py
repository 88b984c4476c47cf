"""Local S3 servers for tests: small programs that speak the protocol on 127.0.0.1."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.adapters.s3 import Patience, S3Credentials
from bot.adapters.s3_client import connect
from bot.domain.store_url import S3Location
from tests.age import programs
from tests.age.npm import package

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

S3RVER_LACKS = frozenset({"abort", "list uploads", "conditional writes", "listing by key"})
PART_SIZE = 64 * 1024  # far below S3's 5 MiB, so that tests need not move much


@dataclass(frozen=True)
class S3Server:
    """A running server, a client beside ours to look into it, and by name what it cannot do."""

    endpoint: str
    credentials: S3Credentials
    client: "S3Client"
    lacks: frozenset[str] = frozenset()


@contextmanager
def moto_server() -> Iterator[S3Server]:
    """Run moto, which knows most of S3 and checks no signatures."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    pair = S3Credentials("moto", SecretStr("moto"))
    environment = {"S3_UPLOAD_PART_MIN_SIZE": str(PART_SIZE)}
    with _running(command, port, **environment), _client(port, pair) as server:
        yield server


@contextmanager
def s3rver_server(folder: Path) -> Iterator[S3Server]:
    """Run s3rver, which knows little of S3 and looks at no more than the key id."""
    port = _free_port()
    script = package("s3rver", "3.7.1") / "bin" / "s3rver.js"
    pair = S3Credentials("S3RVER", SecretStr("S3RVER"))
    options = ["-d", str(folder), "-a", "127.0.0.1", "-p", str(port), "--no-vhost-buckets"]
    command = [programs.find("node"), str(script), *options]
    with _running(command, port), _client(port, pair) as server:
        yield replace(server, lacks=S3RVER_LACKS)


@contextmanager
def _client(port: int, credentials: S3Credentials) -> Iterator[S3Server]:
    endpoint = f"http://127.0.0.1:{port}"
    location = S3Location("any", endpoint=endpoint, path_style=True)
    client = connect(location, credentials, Patience(), connections=1)
    try:
        yield S3Server(endpoint, credentials, client)
    finally:
        client.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def _running(command: Sequence[str], port: int, **environment: str) -> Iterator[None]:
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **environment},
    ) as process:
        try:
            _wait_for(port, process)
            yield
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen")
