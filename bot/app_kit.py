"""The part of the composition root that builds what makes the recovery kit."""

from functools import partial
from importlib.metadata import version

from bot.adapters import keyfiles
from bot.adapters.kit_file import KitFile
from bot.app import App
from bot.app_stores import named_stores
from bot.domain.stack import Role
from bot.services.kit import KitPlace, KitService


def build_kit(app: App) -> KitService:
    """`akbot kit`."""
    return KitService(
        app.keys,
        partial(keyfiles.read_identities, setting="--identity"),
        KitFile(app.folder),
        app.clock,
        KitPlace(
            stores=named_stores(app.settings),
            database_service=app.settings.service_names()[Role.POSTGRESQL][0],
            version=version("akbot"),
        ),
        app.whereabouts.name,
    )
