"""What there is beside a backup that failed: nothing of it, and the stack as it was."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from bot.adapters.throwaway import LABEL
from tests.e2e.test_backup import wait_until
from tests.sandbox.fixture import Sandbox

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

SERVICES = ("authentik-postgresql", "authentik-redis", "authentik", "authentik-worker")


@dataclass(frozen=True)
class Stack:
    """The stack as Docker sees it: which containers, since when they run."""

    containers: tuple[tuple[str, str, str], ...]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Stack":
        found: list[dict[str, Any]] = json.loads(sandbox.docker("inspect", *SERVICES))
        return cls(
            tuple(
                (each["Id"], each["State"]["Status"], each["State"]["StartedAt"]) for each in found
            )
        )


@contextmanager
def untouched(sandbox: Sandbox) -> Iterator[None]:
    """After the block every container is the same one and has never stopped."""
    before = Stack.of(sandbox)
    yield
    assert Stack.of(sandbox) == before
    wait_until(lambda: not sessions(sandbox), "no session of akbot is left in the database")
    assert not throw_aways(sandbox)


def sessions(sandbox: Sandbox) -> Sequence[Sequence[str]]:
    """What of akbot is at work in the database."""
    return sandbox.psql(
        "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE 'akbot%'"
    )


def throw_aways(sandbox: Sandbox, *filters: str) -> str:
    wanted = [word for each in (f"label={LABEL}", *filters) for word in ("--filter", each)]
    return sandbox.docker("ps", "--all", "--quiet", *wanted).strip()


def client(sandbox: Sandbox) -> "S3Client":
    return boto3.client(
        "s3",
        endpoint_url=sandbox.s3,
        region_name="us-east-1",
        aws_access_key_id=sandbox.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=sandbox.environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(s3={"addressing_style": "path"}),
    )


def in_bucket(sandbox: Sandbox, prefix: str) -> list[str]:
    """Keys and unfinished uploads below *prefix*."""
    s3 = client(sandbox)
    objects = s3.list_objects_v2(Bucket="akbot", Prefix=prefix).get("Contents", [])
    uploads = s3.list_multipart_uploads(Bucket="akbot", Prefix=prefix).get("Uploads", [])
    s3.close()
    return [each["Key"] for each in objects] + [f"upload {each['Key']}" for each in uploads]


def in_folder(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file()]
