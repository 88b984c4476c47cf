"""The part of the composition root that builds what a set-up needs."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.clock import SystemClock
from bot.adapters.compose_program import ComposeProgram
from bot.adapters.kit_file import KitFile
from bot.adapters.setup_files import SetupFilesOnDisk
from bot.adapters.setup_ground import DockerBot, find_ground, require_no_idle_bot
from bot.app_kit import build_kit
from bot.app_stores import build_stores, make_ready
from bot.domain.catalogue import newest_good
from bot.domain.drill import Verdict
from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.domain.jobs import Trigger
from bot.domain.kit_sheet import kit_sheet
from bot.domain.messages import RunBackup, RunDrill
from bot.domain.setup import BOT_STATE, Ground
from bot.entrypoints.qr import draw_qr
from bot.services.drill_history import DrillHistory
from bot.services.setup import SetupService
from bot.services.setup_interview import who
from bot.services.setup_ports import ChatTrial, Proof
from bot.services.setup_trial import try_stores
from bot.services.stores import Stores
from bot.settings import Settings
from bot.settings_source import ENV_FILE, values_in

if TYPE_CHECKING:
    from bot.app import App

_ACTOR = "setup"
_PROJECT = "akbot"  # as deploy/compose.bot.yml calls its own


@dataclass(frozen=True)
class SetupWanted:
    """What `deploy/setup` says of the stack's *folder* and the host's folder for *state*.

    *file* is the bot's own compose file, *place_file* what that is told; *image* "" for the usual.
    """

    folder: Path
    state: str
    file: Path
    place_file: Path
    image: str = ""

    @property
    def settings_file(self) -> Path:
        """The bot's akbot.env."""
        return self.folder / ENV_FILE

    def place(self, ground: Ground) -> dict[str, str]:
        """What the compose file is to be told; nothing where the stack's own has the bot.

        Raises RefusedError where it was told of another stack.
        """
        if ground.bot:
            return {}
        told = values_in(self.place_file)
        other = told.get("AKBOT_PROJECT_DIR", ground.folder)
        if other != ground.folder:
            raise RefusedError(
                f'"{self.place_file}" is about the stack in "{other}"',
                hint="For a second stack name another file with --bot-env, in which"
                " COMPOSE_PROJECT_NAME and AKBOT_STATE_DIR stand. Nothing was changed.",
            )
        place = {
            "AKBOT_PROJECT_DIR": ground.folder,
            "AKBOT_NETWORK": ground.network,
            "AKBOT_STATE_DIR": self.state,
        }
        return place | ({"AKBOT_IMAGE": self.image} if self.image else {})


def telegram(settings: Settings) -> ChatTrial:
    """Telegram, asked with the token of *settings*."""
    from bot.entrypoints.telegram.acquaintance import Acquaintance  # noqa: PLC0415 - slow to import

    token = settings.telegram_token.get_secret_value()
    return Acquaintance(token, f"{settings.telegram_api}/bot", SystemClock())


async def require_ready(stores: Stores) -> None:
    """Make the folders of *stores*. Raises ConfigError where the bot could not see one."""
    try:
        await make_ready(stores)
    except (ConfigError, PortError) as error:
        raise ConfigError(
            f"AKBOT_STORE: {error}",
            hint=f"Of this machine the bot sees {BOT_STATE}, which is its state folder, and the"
            " stack's folder: name one below these, such as"
            f" file://{BOT_STATE}/backups. Nothing was written.",
        ) from error


async def try_store(settings: Settings) -> None:
    """Raises ConfigError where the stores of *settings* take no backup."""
    stores = build_stores(settings, patient=False)
    try:
        await require_ready(stores)
        await try_stores(stores, SystemClock())
    finally:
        await stores.close()


async def require_admins(settings: Settings) -> None:
    """Raises ConfigError with who has written, where there is a chat and nobody who may use it."""
    if not settings.telegram_token.get_secret_value() or settings.chat_access.people:
        return
    found = await telegram(settings).writers(0)
    raise ConfigError(
        f"AKBOT_TELEGRAM_ADMINS is missing; to the bot has written {', '.join(map(who, found))}",
        hint="Set it to the user id of whoever may do all. Nothing was written.",
    )


@dataclass(frozen=True)
class _Jobs:
    """Port `FirstJobs`."""

    app: "App"

    async def has_backup(self) -> bool:
        return newest_good(await self.app.backups()) is not None

    async def has_drill(self) -> bool:
        history = DrillHistory(self.app.stores, self.app.keys.trusted)
        report = await history.newest(await self.app.whereabouts.name())
        return report is not None and report.verdict is Verdict.PASS

    async def backup(self) -> str:
        command = RunBackup(trigger=Trigger.CLI, actor=_ACTOR)
        return (await self.app.backup(command)).manifest.id

    async def drill(self) -> str:
        report = await self.app.proofs.drill(RunDrill(trigger=Trigger.CLI, actor=_ACTOR))
        if report.verdict is not Verdict.PASS:
            reasons = "; ".join(report.reasons)
            raise BotError(f"drill: {report.verdict}: {reasons}", hint='See "akbot check".')
        return report.words


async def open_setup(
    app: "App",
    wanted: SetupWanted,
    given: Mapping[str, str],
    proof: Proof,
    tell: Callable[[str], object],
) -> SetupService:
    """The service for the stack that runs. Raises RefusedError where that one cannot have a bot."""
    stack = await app.engine.find_stack()
    ground = await find_ground(app.engine.api, stack)
    if Path(ground.folder) != wanted.folder:
        raise RefusedError(
            f'the stack that runs is in "{ground.folder}", not in "{wanted.folder}"',
            hint="Name that folder, or that stack in AKBOT_PROJECT. Nothing was changed.",
        )
    await asyncio.to_thread(require_no_idle_bot, stack, ground)
    place = await asyncio.to_thread(wanted.place, ground)
    return _service(app, wanted, ground, stack.project, place, given, proof, tell)


async def open_undo(
    app: "App", wanted: SetupWanted, proof: Proof, tell: Callable[[str], object]
) -> SetupService:
    """Likewise, for taking it back, which needs no stack."""
    ground, project = Ground(str(wanted.folder), ""), ""
    try:
        stack = await app.engine.find_stack()
        ground, project = await find_ground(app.engine.api, stack), stack.project
    except (ConfigError, RefusedError) as error:
        tell(f"the stack is not looked at: {error}")
    place = {} if ground.bot else {"AKBOT_PROJECT_DIR": ground.folder}
    return _service(app, wanted, ground, project, place, {}, proof, tell)


def _service(  # noqa: PLR0913, PLR0917 - the parts of one object
    app: "App",
    wanted: SetupWanted,
    ground: Ground,
    project: str,
    place: Mapping[str, str],
    given: Mapping[str, str],
    proof: Proof,
    tell: Callable[[str], object],
) -> SetupService:
    settings = app.settings
    compose = ComposeProgram(settings.client_environment(), settings.state_folder / "compose.lock")
    beside = not ground.bot
    own = values_in(wanted.place_file).get("COMPOSE_PROJECT_NAME", _PROJECT)
    bot = DockerBot(
        app.engine.api,
        compose,
        app.clock,
        own if beside else project,
        "bot" if beside else ground.bot,
        wanted.file if beside else None,
        wanted.place_file if beside else None,
    )
    files = SetupFilesOnDisk(
        wanted.settings_file,
        wanted.place_file if beside else None,
        settings.state_folder,
        values_in,
        lambda kit: kit_sheet(kit, draw_qr),
    )
    return SetupService(
        files=files,
        keys=app.keys,
        kit=build_kit(app),
        kit_log=KitFile(app.folder),
        jobs=_Jobs(app),
        bot=bot,
        proof=proof,
        stores=app.stores,
        chat=telegram(settings) if settings.telegram_token.get_secret_value() else None,
        clock=app.clock,
        wanted=given,
        place=place,
        tell=tell,
    )
