"""Restores of a backup that lies elsewhere, or that another key opens, than this host's own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters import keyfiles
from bot.adapters.directory import DirectoryStore
from bot.app_restores import Source
from bot.app_stores import build_stores
from bot.domain.bootstrap import choose_stack
from bot.domain.errors import ConfigError
from bot.domain.store_list import require_from
from bot.services.bootstrap_look import stacks_in
from bot.services.keyring import Keyring
from bot.services.store_ports import BackupStore
from bot.services.stores import Stores

if TYPE_CHECKING:
    from bot.app import App


@dataclass(frozen=True)
class Elsewhere:
    """What the command line says: "" and None for this host's own."""

    store: str = ""
    identity: Path | None = None
    stack: str = ""


@asynccontextmanager
async def reading_from(app: "App", wanted: Elsewhere) -> AsyncGenerator[None]:
    """Let restores read from there; what they make, a safety backup, goes where it always does.

    Raises ConfigError where an argument is wrong.
    """
    if wanted.store:
        require_from(wanted.store)
    keyring = await asyncio.to_thread(_keyring, app, wanted.identity)
    if not wanted.store:
        source = Source(app.stores, keyring, app.settings.stack or None)
        app.restores = replace(app.restores, source=source)
        yield
        return
    stores = build_stores(app.settings.model_copy(update={"store": wanted.store}), patient=False)
    try:
        await _require_there(stores.places[0].store)
        stack = wanted.stack or await _own_stack(app, stores)
        found = await stacks_in(stores.places[0].store)
        source = Source(stores, keyring, choose_stack(found, stack))
        app.restores = replace(app.restores, source=source)
        yield
    finally:
        await stores.close()


def _keyring(app: "App", identity: Path | None) -> Keyring:
    """With what stands in that file, which is tried first."""
    own = app.keys.keyring()
    if identity is None:
        return own
    more = keyfiles.read_identities(identity, "--identity")
    signers = keyfiles.read_signers(identity, "--identity")
    return replace(
        own, identities=[*more, *own.identities], other_trusted=own.other_trusted | {*signers}
    )


async def _require_there(store: BackupStore) -> None:
    if isinstance(store, DirectoryStore) and not await store.is_there():
        raise ConfigError(
            f'--from: the folder "{store.local_path}" is not there',
            hint="Mount its disk, or correct the path.",
        )


async def _own_stack(app: "App", stores: Stores) -> str:
    """This host's folder in there, where it has one."""
    name = await app.whereabouts.name()
    return name if name in await stacks_in(stores.places[0].store) else ""
