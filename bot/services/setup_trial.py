"""Whether what was given for the set-up works, before anything is written."""

from bot.domain.errors import ConfigError
from bot.domain.findings import Finding, Level
from bot.services.ports import Clock
from bot.services.store_probe import StoreProbe
from bot.services.stores import Stores

_LETTERS = "abcdefghijkmnpqrstuvwxyz"


async def try_stores(stores: Stores, clock: Clock) -> list[str]:
    """Write to each store, read it back and remove it again; a line for each thing that was found.

    Raises:
        ConfigError: one of them does not take a backup.
    """
    lines: list[str] = []
    for place in stores.places:
        found = await StoreProbe(place.store, clock.random_text(_LETTERS, 8)).run()
        for each in found:
            if each.level is Level.FAILURE:
                raise ConfigError(
                    f"AKBOT_STORE: {place.store.name}: {each.message}",
                    hint=f"{each.remedy} Nothing was written.",
                )
        lines += [_line(each) for each in found]
    return lines


def _line(found: Finding) -> str:
    if found.level is Level.OK:
        return f"store: {found.message}"
    return f"store: warning: {found.message}. {found.remedy}"
