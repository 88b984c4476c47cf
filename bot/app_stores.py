"""The part of the composition root that builds the stores."""

from bot.adapters.directory import DirectoryStore
from bot.adapters.s3 import Patience, S3Credentials, S3Store
from bot.domain.errors import ConfigError, PortError
from bot.domain.store_list import NamedStore, derived_name, parse_stores
from bot.domain.store_url import DirectoryLocation, S3Location
from bot.services.catalogue import Listing
from bot.services.pipeline import ending
from bot.services.store_ports import BackupStore
from bot.services.store_probe import FOLDER
from bot.services.stores import Catalogue, Place, StoreError, Stores
from bot.settings import Settings

_BACKUPS = "backups"


def build_stores(settings: Settings, *, patient: bool, listing: Listing | None = None) -> Stores:
    """All stores of the settings; a *patient* one sits out an outage."""
    default = settings.retention(settings.zone)
    return Stores(
        tuple(
            Place(each.name, _build(each.location, settings, patient), each.policy(default))
            for each in named_stores(settings)
        ),
        listing=listing or Listing(),
    )


def named_stores(settings: Settings) -> tuple[NamedStore, ...]:
    """Where they are: one folder in the state folder where no setting names any."""
    if settings.store:
        return parse_stores(settings.store)
    location = DirectoryLocation(settings.state_folder / _BACKUPS)
    return (NamedStore(derived_name(location), location),)


async def make_ready(stores: Stores) -> None:
    """Make the folders that backups are to go to. Raises what stands in the way of all stores."""
    errors: list[StoreError] = []
    for place in stores.places:
        if isinstance(place.store, DirectoryStore):
            try:
                await place.store.make_ready()
            except (ConfigError, PortError) as error:
                errors.append(error)
    if len(errors) == len(stores.places):
        raise errors[0]


async def require_answer(store: BackupStore, *, named: bool) -> None:
    """Ask *store* for next to nothing. Raises what is wrong with it.

    A folder that a person *named* must be there: else its disk is not mounted.
    """
    if named and isinstance(store, DirectoryStore) and not await store.is_there():
        raise _absent(store)
    async with ending(store.list(f"{FOLDER}/")) as objects:
        async for _ in objects:
            return


async def without_absent(catalogue: Catalogue, stores: Stores) -> Catalogue:
    """The same, but a folder that a person named and that is not there has not answered."""
    absent: dict[str, StoreError] = {}
    for place in stores.places:
        empty = catalogue.found.get(place.name) == []
        if empty and isinstance(place.store, DirectoryStore) and not await place.store.is_there():
            absent[place.name] = _absent(place.store)
    found = {name: each for name, each in catalogue.found.items() if name not in absent}
    return Catalogue(found, {**catalogue.silent, **absent})


def _absent(store: DirectoryStore) -> PortError:
    return PortError(
        f'the folder "{store.local_path}" of AKBOT_STORE is not there',
        hint="Mount its disk, or correct the path; the first backup makes a new folder.",
    )


def _build(
    location: S3Location | DirectoryLocation,
    settings: Settings,
    patient: bool,  # noqa: FBT001 - likewise
) -> BackupStore:
    if isinstance(location, DirectoryLocation):
        return DirectoryStore(location.path)
    patience = Patience(
        answer_seconds=settings.store_timeout,
        outage_seconds=settings.store_outage if patient else 0,
    )
    return S3Store(
        location, _credentials(settings), max_parts=settings.store_max_parts, patience=patience
    )


def _credentials(settings: Settings) -> S3Credentials | None:
    """The key pair of the settings; without one boto3 looks in its usual places."""
    if not settings.aws_access_key_id:
        return None
    token = settings.aws_session_token
    return S3Credentials(
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
        token if token.get_secret_value() else None,
    )
