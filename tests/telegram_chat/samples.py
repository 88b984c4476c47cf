"""Manifests, components and backups with figures that can be told apart."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.backup_id import BackupId, make_backup_id
from bot.domain.catalogue import BackupRecord, BackupState
from bot.domain.contents import Contents
from bot.domain.manifest import Component, DatabaseFacts, Manifest, Software
from bot.domain.messages import BackupFinished
from bot.domain.restore import SessionsDo
from bot.domain.restore_plan import USERS, Preview
from tests.telegram_chat.world import NOW

MB = 1_000_000


def component(name: str, size: int = 12_000) -> Component:
    return Component(name, f"authentik/x/{name}.age", size, size, "0" * 64, 1.5)


def manifest(backup_id: str, *, warnings: tuple[str, ...] = ()) -> Manifest:
    return Manifest(
        id=backup_id,
        stack="authentik",
        created=NOW,
        trigger="chat",
        actor="Anna (42)",
        software=Software("2025.4.1", "ghcr.io/goauthentik/server:2025.4.1", None, "16.4"),
        database=DatabaseFacts("authentik", 1000 * MB, {"public.a": 12_345}, {}),
        components=(component("postgres", 215 * MB), component("globals"), component("config")),
        recipients=("age1…",),
        warnings=warnings,
    )


def make_preview(**changes: Any) -> Preview:
    """What a restore of last night's backup would do."""
    backup_id = BackupId("20261124T033000Z-k3f9")
    then = DatabaseFacts("authentik", 1000 * MB, {"public.a": 12_333, USERS: 12}, {})
    made = NOW - timedelta(hours=8, minutes=30)
    preview = Preview(
        backup_id=backup_id,
        manifest=replace(manifest(backup_id), created=made, database=then, label="before the move"),
        components=("postgres", "media"),
        untouched=("certs",),
        version_now="2025.4.1",
        version_then="2025.2.1",
        sessions=SessionsDo.FLUSH,
        safety_backup=True,
        live=replace(then, rows={"public.a": 12_385, USERS: 15}),
        contents=Contents(15, 3, NOW - timedelta(minutes=2)),
        differences=("PG_PASS in .env is another one now",),
        warnings=("an old client",),
    )
    return replace(preview, **changes)


def finished(backup_id: str, **how: tuple[str, ...]) -> BackupFinished:
    return BackupFinished(manifest(backup_id, **how), 125.0)


def record(
    hours: float, size: int = 215 * MB, state: BackupState = BackupState.GOOD, **how: Any
) -> BackupRecord:
    made = NOW - timedelta(hours=hours)
    return BackupRecord(make_backup_id(made, "k3f9"), state, stored_size=size, **how)
