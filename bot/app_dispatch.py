"""The job that each command asks for."""

from bot.app import App
from bot.app_restores import confirmed_before
from bot.domain.messages import (
    Command,
    RunBackup,
    RunCopy,
    RunDrill,
    RunPrune,
    RunRekey,
    RunRestore,
    RunRollback,
    RunUpdate,
)
from bot.services.jobs import Begun


async def dispatch(app: App, command: Command, begun: Begun | None = None) -> object:
    """Run whatever job *command* asks for, and return what that returns."""
    match command:
        case RunBackup():
            return await app.backup(command, begun)
        case RunPrune():
            return await app.upkeep.prune(command, begun)
        case RunCopy():
            return await app.upkeep.copy(command, begun)
        case RunRekey():
            return await app.upkeep.rekey(command, begun)
        case RunDrill():
            return await app.proofs.drill(command, begun)
        case RunRestore() | RunUpdate() | RunRollback():
            return await _run_agreed(app, command, begun)
        case _:
            raise TypeError(f"no job runs on {type(command).__name__}")


async def _run_agreed(
    app: App, command: RunRestore | RunUpdate | RunRollback, begun: Begun | None
) -> object:
    """What takes the server away, to whose plan a person has agreed before."""
    agreed = confirmed_before(command.agreed)
    match command:
        case RunRestore():
            return await app.restore(command, agreed, begun)
        case RunUpdate():
            return await app.update(command, agreed, app.ask_whoever_began(command), begun)
        case RunRollback():
            return await app.rollback(command, agreed, begun)
