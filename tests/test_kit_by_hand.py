"""The commands on the sheet are right: bash runs them as printed, with stock programs."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.keys import HostKeys
from bot.domain.kit import Kit, PrivateKey, SealedFor
from bot.domain.kit_sheet import kit_sheet
from bot.domain.store_url import DirectoryLocation, S3Location
from bot.entrypoints.qr import draw_qr
from bot.services.keyring import Keyring
from tests.age import programs
from tests.domain.test_kit import KIT, one_store
from tests.fakes_stack import NOW
from tests.services.world import IDENTITY, World


def sheet_for(keyring: Keyring, store: Path) -> str:
    [name] = keyring.fingerprints
    return kit_sheet(
        Kit(
            stack="authentik",
            stores=one_store(DirectoryLocation(store)),
            recipients=(SealedFor(str(keyring.recipients[0]), name),),
            signers=(keyring.public_key,),
            identity_path="",
            keys=(PrivateKey(IDENTITY.secret_text(), name, "0" * 10),),
            database_service="postgresql",
            printed=NOW,
            version="1",
        ),
        draw_qr,
    )


def typed_key(sheet: str) -> str:
    """The file identity.txt, as the sheet has it: the lines at the left margin of its section."""
    section = sheet.partition("2  The keys")[2].partition("3  Restore")[0]
    return "".join(
        f"{line}\n" for line in section.splitlines() if line.startswith(("# ", "AGE-SECRET-KEY-"))
    )


def commands(sheet: str, first: str, until: str, backup: str) -> str:
    """Those of some steps by hand: what does not begin with three blanks, or continues such."""
    section = sheet.partition("4  Restore by hand")[2].partition("-\n")[2]
    steps = section.partition(f"   {first}. ")[2].partition(f"   {until}. ")[0]
    lines = steps.splitlines()
    kept = [line for line in lines[1:] if line[:3] != "   " or line[:4] == "    "]
    code = [line for line in kept if not line.startswith("      ")]
    return "\n".join(code).replace("ID", backup)


class Drawer:
    """A backup in a folder, the sheet, and a new machine with nothing of akbot's."""

    def __init__(self, world: World, backup: str, folder: Path) -> None:
        self.world, self.backup, self.folder = world, backup, folder
        self.store, self.work = folder / "store", folder / "new machine"
        for key, content in world.store.objects.items():
            path = self.store / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.sheet = sheet_for(world.keyring, self.store)
        self.work.mkdir()
        (self.work / "identity.txt").write_text(typed_key(self.sheet))

    def follow(self, first: str, until: str) -> str:
        ended = subprocess.run(
            ["bash", "-u", "-c", commands(self.sheet, first, until, self.backup)],
            cwd=self.work,
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.stdout + ended.stderr


@pytest.fixture
async def drawer(tmp_path: Path) -> Drawer:
    for program in ("age", "zstd", "openssl"):
        programs.find(program)
    world = World()
    manifest = await world.run()
    return Drawer(world, manifest.id, tmp_path)


def test_a_backup_is_fetched_checked_and_opened(drawer: Drawer) -> None:
    said = drawer.follow("a", "d")

    sealed = sorted((drawer.store / "authentik" / drawer.backup).glob("*.age"))
    assert "Signature Verified Successfully" in said
    assert said.count(".age: OK\n") == len(sealed) > 5
    assert "FAILED" not in said
    for path in sealed:
        plain = drawer.work / "backup" / path.name.removesuffix(".age").removesuffix(".zst")
        assert plain.exists(), path.name


def test_what_others_wrote_is_told(drawer: Drawer) -> None:
    folder = drawer.store / "authentik" / drawer.backup
    (folder / "postgres.dump.age").write_bytes(b"not the one")
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"root", b"toor"))

    said = drawer.follow("a", "c")

    assert "/postgres.dump.age: FAILED" in said
    assert "Signature Verified Successfully" not in said


def test_two_files_that_changed_places_are_told(drawer: Drawer) -> None:
    folder = drawer.store / "authentik" / drawer.backup
    media, certs = folder / "media.tar.zst.age", folder / "certs.tar.zst.age"
    media.rename(folder / "x")
    certs.rename(media)
    (folder / "x").rename(certs)

    said = drawer.follow("a", "c")

    assert "/media.tar.zst.age: FAILED" in said
    assert "/certs.tar.zst.age: FAILED" in said


def test_an_old_set_under_a_newer_name_is_told(drawer: Drawer) -> None:
    drawer.backup, old = "20300101T000000Z-aaaa", drawer.backup
    shutil.copytree(drawer.store / "authentik" / old, drawer.store / "authentik" / drawer.backup)

    said = drawer.follow("a", "d")

    assert ": OK" not in said
    assert list((drawer.work / "backup").iterdir()) == []


def test_what_the_manifest_does_not_name_is_not_opened(drawer: Drawer) -> None:
    folder = drawer.store / "authentik" / drawer.backup
    shutil.copy(folder / "media.tar.zst.age", folder / "other.tar.zst.age")

    drawer.follow("a", "d")

    assert (drawer.work / "backup" / "media.tar").exists()
    assert not (drawer.work / "backup" / "other.tar").exists()


def test_the_typed_file_makes_akbot_trust_and_open(drawer: Drawer) -> None:
    keys = HostKeys(drawer.folder / "state", drawer.work / "identity.txt", (), ())

    assert drawer.world.keyring.public_key in keys.trusted()
    assert [each.secret_text() for each in keys.identities()] == [IDENTITY.secret_text()]


@pytest.mark.parametrize(
    "store",
    [
        S3Location("bucket", "a/b", "https://s3.example.org:9000", "eu-1", path_style=True),
        S3Location("bucket"),
        DirectoryLocation(Path("/mnt/it's here; really")),
    ],
)
def test_a_shell_can_read_every_command(store: S3Location | DirectoryLocation) -> None:
    sheet = kit_sheet(replace(KIT, stores=one_store(store)), draw_qr)
    code = commands(sheet, "a", "z", "20261123T033000Z-k3f9")
    code += "\ndeploy/bootstrap" + sheet.partition("deploy/bootstrap")[2].partition("\n\n")[0]

    read = subprocess.run(["bash", "-n", "-c", code], capture_output=True, check=False)

    assert (read.returncode, read.stderr) == (0, b"")
    assert "docker compose up -d\n" in code + "\n"
