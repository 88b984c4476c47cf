"""The part of the composition root that builds the stores."""

from bot.adapters.directory import DirectoryStore
from bot.adapters.s3 import Patience, S3Credentials, S3Store
from bot.domain.store_list import NamedStore, derived_name, parse_stores
from bot.domain.store_url import DirectoryLocation, S3Location
from bot.services.ports import BackupStore
from bot.services.stores import Place, Stores
from bot.settings import Settings

_BACKUPS = "backups"


def build_stores(settings: Settings, *, patient: bool) -> Stores:
    """All stores of the settings; a *patient* one sits out an outage."""
    default = settings.retention(settings.zone)
    return Stores(
        tuple(
            Place(each.name, _build(each.location, settings, patient), each.policy(default))
            for each in named_stores(settings)
        )
    )


def named_stores(settings: Settings) -> tuple[NamedStore, ...]:
    """Where they are: one folder in the state folder where no setting names any."""
    if settings.store:
        return parse_stores(settings.store)
    location = DirectoryLocation(settings.state_folder / _BACKUPS)
    return (NamedStore(derived_name(location), location),)


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
