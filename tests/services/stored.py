"""Backups that lie in a store already, without the work of making them."""

from dataclasses import replace
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bot.domain.backup_id import BackupId, make_backup_id
from bot.domain.jobs import Trigger
from bot.domain.manifest import Component, backup_prefix, encode_manifest
from bot.domain.signature import sign
from tests.domain.test_manifest import MANIFEST
from tests.fakes_stack import NOW
from tests.services.world import World

FILES = ("postgres.dump.age", "globals.sql.zst.age", "config.tar.zst.age")
DAY = timedelta(days=1)


def store_backup(
    world: World,
    created: datetime,
    *,
    trigger: Trigger = Trigger.SCHEDULE,
    key: Ed25519PrivateKey | None = None,
    suffix: str = "aaaa",
) -> BackupId:
    """A good backup of three small components, signed with *key* or the world's own."""
    backup_id = make_backup_id(created, suffix)
    prefix = backup_prefix("authentik", backup_id)
    components = [
        Component(name.partition(".")[0], prefix + name, 1, 4, "a" * 64, 0.1) for name in FILES
    ]
    manifest = encode_manifest(
        replace(
            MANIFEST,
            id=backup_id,
            created=created,
            trigger=trigger,
            components=tuple(components),
        )
    )
    signature = sign(manifest, key or world.keyring.signing_key)
    world.store.objects |= {prefix + name: b"data" for name in FILES}
    world.store.objects |= {prefix + "manifest.json.sig": signature}
    world.store.objects |= {prefix + "manifest.json": manifest}
    return backup_id


def store_nights(world: World, count: int) -> list[BackupId]:
    """One for each of the last nights, the newest first."""
    return [store_backup(world, NOW - number * DAY) for number in range(count)]


def ids_in(world: World) -> set[str]:
    """The sets of which anything is left in the store."""
    return {key.split("/")[1] for key in world.store.objects}
