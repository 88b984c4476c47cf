"""Backups that hold something else than was backed up, sealed and signed by this host."""

import hashlib
from dataclasses import replace

import zstandard

from bot import age
from bot.domain.catalogue import BackupRecord
from bot.domain.manifest import Component, Manifest, backup_prefix, encode_manifest
from bot.domain.signature import sign
from tests.services.world import World


async def forge(world: World, record: BackupRecord, name: str, content: bytes) -> Manifest:
    """Put the archive *content* into the component *name*; what was counted of it stays."""
    manifest = await world.manifest(record)
    plain = zstandard.ZstdCompressor().compress(content)
    sealer = age.Sealer(world.keyring.recipients)
    stored = sealer.update(plain) + sealer.finish()

    def forged(component: Component) -> Component:
        if component.name != name:
            return component
        world.store.objects[component.key] = stored
        return replace(
            component,
            plain_size=len(plain),
            stored_size=len(stored),
            sha256=hashlib.sha256(stored).hexdigest(),
        )

    return restate(world, replace(manifest, components=tuple(map(forged, manifest.components))))


def restate(world: World, manifest: Manifest) -> Manifest:
    """Put *manifest* in the place of the one of its id, signed by this host."""
    prefix, document = backup_prefix(manifest.stack, manifest.id), encode_manifest(manifest)
    world.store.objects[prefix + "manifest.json"] = document
    world.store.objects[prefix + "manifest.json.sig"] = sign(document, world.keyring.signing_key)
    return manifest
