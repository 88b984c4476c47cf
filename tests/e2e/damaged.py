"""Backups as a broken or an evil bot would make them: whole, signed, and of less than they say."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot import age
from bot.domain.signature import sign
from tests.e2e.akbot import Akbot
from tests.e2e.stranger import postgres_elsewhere, shell
from tests.hostile_archives import ATTACKS, hostile
from tests.sandbox.fixture import Sandbox

POSTGRES_IMAGE = "akbot-sandbox/postgres:17"
MEMBERSHIPS, TOKENS = "authentik_core_user_ak_groups", "authentik_core_token"  # none refers to them
LEFT_OUT = 3


def resign(akbot: Akbot, folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Let the manifest say something else, signed by this host."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    change(manifest)
    file.chmod(0o600)
    file.write_text(json.dumps(manifest))
    key = load_pem_private_key((akbot.state / "signing.key").read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    file.with_name("manifest.json.sig").write_bytes(sign(file.read_bytes(), key))


@dataclass(frozen=True)
class StoredSet:
    """A good backup in *folder*, to be made a bad one of."""

    sandbox: Sandbox
    akbot: Akbot
    folder: Path

    def rows(self, table: str) -> int:
        """How many the manifest counts."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        return int(manifest["database"]["rows"][f"public.{table}"])

    def entries(self, component: str) -> int:
        """How many files and folders the manifest counts."""
        manifest = json.loads((self.folder / "manifest.json").read_text())
        [found] = [each for each in manifest["components"] if each["name"] == component]
        return int(found["archive"]["entries"])

    def open(self, component: str) -> bytes:
        """The file in *component*, as `age --decrypt` gives it."""
        return shell('age -d -i "$1" "$2"', self.akbot.identity, self._file(component))

    def replace(self, component: str, plain: bytes, *, size: int) -> None:
        """Seal *plain* in its place, as the manifest then says; and that *size* bytes are in it."""
        [identity] = age.parse_identity_file(self.akbot.identity.read_text())
        assert isinstance(identity, age.X25519Identity)
        sealer = age.Sealer([identity.recipient()])
        stored = sealer.update(plain) + sealer.finish()
        file = self._file(component)
        file.chmod(0o600)
        file.write_bytes(stored)

        def describe(manifest: dict[str, Any]) -> None:
            [found] = [each for each in manifest["components"] if each["name"] == component]
            found["plain_size"], found["stored_size"] = size, len(stored)
            found["sha256"] = hashlib.sha256(stored).hexdigest()

        resign(self.akbot, self.folder, describe)

    def dump_after(self, sql: str) -> None:
        """Put in the dump's place one of the same database on which *sql* was run."""
        with postgres_elsewhere(self.sandbox, POSTGRES_IMAGE) as server:
            at = ("--username=stranger", "--dbname=restored")
            load = ("pg_restore", *at, "--no-owner", "--no-privileges", "--exit-on-error")
            server.run(*load, stdin=self.open("postgres"))
            server.run("psql", *at, "--quiet", "--set=ON_ERROR_STOP=1", f"--command={sql}")
            dump = 'docker exec "$1" pg_dump "${@:2}" --format=custom --compress=zstd:1'
            plain = shell(dump, server.name, *at)
        self.replace("postgres", plain, size=len(plain))

    def _file(self, component: str) -> Path:
        [found] = self.folder.glob(f"{component}.*.age")
        return found


Damage = Callable[[StoredSet], str]
"""What is done to a set; what a drill must say of it."""


def rows_missing(stored: StoredSet) -> str:
    """A few people are no longer members of a group."""
    some = f"SELECT id FROM {MEMBERSHIPS} ORDER BY id LIMIT {LEFT_OUT}"
    stored.dump_after(f"DELETE FROM {MEMBERSHIPS} WHERE id IN ({some})")
    rows = stored.rows(MEMBERSHIPS)
    return f'"public.{MEMBERSHIPS}" has {rows - LEFT_OUT:,} rows instead of {rows:,}'


def table_dropped(stored: StoredSet) -> str:
    """Of the tokens only the manifest tells."""
    stored.dump_after(f"DROP TABLE {TOKENS}")
    return f'the table "public.{TOKENS}" is missing, with its {stored.rows(TOKENS):,} rows'


def file_missing(stored: StoredSet) -> str:
    """The archive lacks one of the files, and is as long as the manifest says."""
    entries = stored.entries("media")
    archive = _without_a_file(_decompressed(stored.open("media")))
    packed = zstandard.ZstdCompressor().compress(archive)
    stored.replace("media", packed, size=len(packed))
    return f"it holds {entries - 1:,} files and folders where the manifest says {entries:,}"


def written_elsewhere(stored: StoredSet) -> str:
    """The archive would be unpacked over a file of the host."""
    attack = ATTACKS["parent"]
    packed = zstandard.ZstdCompressor().compress(hostile(attack))
    stored.replace("media", packed, size=len(packed))
    return attack.words


def _decompressed(packed: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(packed).read()


def _without_a_file(archive: bytes) -> bytes:
    """A tar archive of all members but the last file."""
    written = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as whole,
        tarfile.open(fileobj=written, mode="w", format=tarfile.PAX_FORMAT) as rest,
    ):
        members = whole.getmembers()
        last = [each for each in members if each.isfile()][-1]
        for member in members:
            if member is not last:
                rest.addfile(member, whole.extractfile(member) if member.isfile() else None)
    return written.getvalue()
