"""The runbook's way to a backup, without a stack: it is fetched, checked, opened, found again."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import s3_servers
from tests.age import programs
from tests.runbook import INSIDE, Reader
from tests.s3_servers import S3Server
from tests.services.world import IDENTITY, World

OPEN = "Get a backup and open it"
BUCKET = "A bucket with versions or Object Lock"
KEY = "The key is lost"
CHAPTERS = (BUCKET,)

TRUSTED = "IT IS YOURS"


@dataclass(frozen=True)
class Shelf:
    """A backup in a folder, and somebody who wants it."""

    reader: Reader
    folder: Path
    objects: dict[str, bytes]

    @property
    def opened(self) -> list[str]:
        return sorted(path.name for path in (Path(self.reader.values["WORK"]) / "open").iterdir())


@pytest.fixture
async def shelf(tmp_path: Path) -> Shelf:
    for program in ("age", "zstd", "openssl"):
        programs.find(program)
    world = World()
    manifest = await world.run()
    for key, content in world.store.objects.items():
        path = tmp_path / "store" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    identity = tmp_path / "identity.txt"
    identity.write_text(f"{IDENTITY.secret_text()}\n")
    values = {
        "AWS_ACCESS_KEY_ID": "moto",
        "AWS_SECRET_ACCESS_KEY": "moto",
        "STORE": str(tmp_path / "store"),
        "ENDPOINT": "",
        "REGION": "us-east-1",
        "STACK": manifest.stack,
        "ID": manifest.id,
        "SIGNER": world.keyring.public_key,
        "IDENTITY": str(identity),
        "WORK": str(tmp_path / "recovery"),
        **dict.fromkeys(("PROJECT", "DATABASE", "REDIS", "SERVER", "WORKER", "BOT"), ""),
        **dict.fromkeys(("DB", "URL", "NEW_KEY"), ""),
        **INSIDE,
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    folder = tmp_path / "store" / manifest.stack / manifest.id
    return Shelf(Reader(tmp_path, environment, values), folder, dict(world.store.objects))


def test_a_folder_is_a_store_too(shelf: Shelf) -> None:
    assert shelf.folder.name in shelf.reader.follow(OPEN, "Which backups there are")

    said = shelf.reader.follow(OPEN, "Fetch it", "Is it yours?", "Open it")

    sealed = [path.name for path in shelf.folder.glob("*.age")]
    assert TRUSTED in said
    assert said.count(".age: OK") == len(sealed) > 5
    assert shelf.opened == sorted(name.removesuffix(".age").removesuffix(".zst") for name in sealed)
    assert '"authentik"' in shelf.reader.follow(OPEN, "What it says about itself")
    assert shelf.reader.left(OPEN) == []


def manifest_changed(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"root", b"toor"))


def two_swapped(folder: Path) -> None:
    certs, media = folder / "certs.tar.zst.age", folder / "media.tar.zst.age"
    certs.rename(folder / "x")
    media.rename(certs)
    (folder / "x").rename(media)


def one_missing(folder: Path) -> None:
    (folder / "certs.tar.zst.age").unlink()


def one_changed(folder: Path) -> None:
    (folder / "postgres.dump.age").write_bytes(b"something else")


def another_signature(folder: Path) -> None:
    (folder / "manifest.json.sig").write_text("ed25519 AAAA AAAA\n")


@pytest.mark.parametrize(
    "tamper", [manifest_changed, two_swapped, one_missing, one_changed, another_signature]
)
def test_what_others_wrote_is_found_out(shelf: Shelf, tamper: Callable[[Path], None]) -> None:
    tamper(shelf.folder)
    shelf.reader.follow(OPEN, "Fetch it")

    assert TRUSTED not in shelf.reader.fails(OPEN, "Is it yours?")


def test_another_signer_is_found_out(shelf: Shelf) -> None:
    reader = shelf.reader.with_values(SIGNER=f"ed25519:{'A' * 43}=")
    reader.follow(OPEN, "Fetch it")

    assert TRUSTED not in reader.fails(OPEN, "Is it yours?")


def test_an_old_set_under_a_newer_name_is_found_out(shelf: Shelf) -> None:
    newer = shelf.folder.with_name("20300101T000000Z-aaaa")
    shutil.copytree(shelf.folder, newer)
    shelf.reader.follow(OPEN, "Fetch it")
    reader = shelf.reader.with_values(ID=newer.name)
    reader.follow(OPEN, "Fetch it")

    assert TRUSTED not in reader.fails(OPEN, "Is it yours?")


def test_what_the_manifest_does_not_name_is_not_opened(shelf: Shelf) -> None:
    shutil.copy(shelf.folder / "media.tar.zst.age", shelf.folder / "other.tar.zst.age")

    shelf.reader.follow(OPEN, "Fetch it", "Is it yours?", "Open it")

    assert "media.tar" in shelf.opened
    assert "other.tar" not in shelf.opened


def test_another_key_opens_nothing_and_is_told(shelf: Shelf, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("AGE-SECRET-KEY-1XRFNC8M3C8ZLZR98Z926LXEYEWKM6ELUE9Q4XRD2GQXHPTHJGF2QK746DX\n")
    right = shelf.reader.values["IDENTITY"]
    reader = shelf.reader.with_values(IDENTITY=str(other), KEYS=f"{other} /none {right}")
    reader.follow(OPEN, "Fetch it", "Is it yours?")

    assert "no identity matched" in reader.fails(OPEN, "Open it")
    said = reader.follow(KEY, "Is it one of these?").splitlines()

    [found] = [line for line in said if line.endswith("THIS IS THE KEY")]
    name, path, *_ = found.split()
    assert path == f"{right}:"
    assert any(name in line and line.startswith(" ") for line in said)  # as the manifest has it


@pytest.fixture
def moto() -> Iterator[S3Server]:
    programs.find("aws")
    with s3_servers.moto_server() as server:
        yield server


def test_a_locked_bucket_gives_back_what_was_deleted_and_overwritten(
    shelf: Shelf, moto: S3Server
) -> None:
    s3 = moto.client
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket="locked",
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    )
    placed = {f"deep/prefix/{key}": content for key, content in shelf.objects.items()}
    for key, content in placed.items():
        s3.put_object(Bucket="locked", Key=key, Body=content, ChecksumAlgorithm="SHA256")
    [manifest] = [key for key in placed if key.endswith("/manifest.json")]
    s3.put_object(Bucket="locked", Key=manifest, Body=b"not the one", ChecksumAlgorithm="SHA256")
    for key in placed:
        s3.delete_object(Bucket="locked", Key=key)
    reader = shelf.reader.with_values(STORE="s3://locked/deep/prefix", ENDPOINT=moto.endpoint)

    said = reader.follow(BUCKET, "What was deleted, and when")
    assert all(key in said for key in placed)
    assert reader.follow(BUCKET, "Every set that has ever been there").split() == [manifest]
    reader.follow(BUCKET, "Fetch a set by its first versions")
    assert TRUSTED in reader.follow(OPEN, "Is it yours?", "Open it")
    reader.follow(BUCKET, "Put the set back into its place")

    for key, content in placed.items():
        assert s3.get_object(Bucket="locked", Key=key)["Body"].read() == content
    assert manifest.split("/")[-2] in reader.follow(OPEN, "Which backups there are")
    assert reader.left(BUCKET) == []


def test_an_ordinary_bucket(shelf: Shelf, moto: S3Server) -> None:
    moto.client.create_bucket(Bucket="plain")
    for key, content in shelf.objects.items():
        moto.client.put_object(Bucket="plain", Key=key, Body=content)
    reader = shelf.reader.with_values(STORE="s3://plain", ENDPOINT=moto.endpoint)

    assert shelf.folder.name in reader.follow(OPEN, "Which backups there are")
    assert TRUSTED in reader.follow(OPEN, "Fetch it", "Is it yours?", "Open it")
