"""What a restore to another layout does to the compose files, planned before all else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.domain.compose_diff import unified_diff
from bot.domain.compose_edit import ComposeFile
from bot.domain.compose_past import Past, file_changes, judge_past, texts_of_then
from bot.domain.compose_swap import ComposeSwap
from bot.domain.errors import PortError, RefusedError
from bot.domain.messages import RunRestore
from bot.domain.restore import UNTOUCHED, RestorePlan, Site
from bot.services.restore_ports import Tools


@dataclass(frozen=True)
class PastFiles:
    """A *past* to go to, with the new texts by path, and the change as a person reads it."""

    past: Past
    texts: Mapping[str, bytes] = field(repr=False)
    diff: str


@dataclass(frozen=True)
class SwapBack:
    """The *swap* that takes an earlier one back, the texts from before that, and the change."""

    swap: ComposeSwap
    texts: Mapping[str, bytes] = field(repr=False)
    diff: str


async def plan_past(site: Site, then: Mapping[str, bytes], tools: Tools) -> PastFiles:
    """How the files of a backup, *then*, by their names in it, come into the place of today's.

    Raises RefusedError where they cannot.
    """
    texts, now = texts_of_then(site, then), await tools.project.texts()
    past = judge_past(
        site, file_changes(now, texts), await _config(tools, now), await _config(tools, texts)
    )
    return PastFiles(past, texts, _diff(now, texts, past.swap))


async def plan_swap_back(done: RestorePlan, tools: Tools) -> SwapBack | None:
    """How to take back what *done* did to the files; None where it left them alone.

    Raises RefusedError where what was there before is gone.
    """
    if done.compose is None:
        return None
    kept = await tools.project.kept(done.compose.files, done.job)
    now = await tools.project.texts()
    texts = {path: kept.get(path, text) for path, text in now.items()}
    swap = done.compose.back(file_changes(now, texts))
    return SwapBack(swap, texts, _diff(now, texts, swap))


def require_no_sessions(past: Past, command: RunRestore) -> None:
    """Raises RefusedError where Redis shall be loaded, and comes only with the compose files."""
    if command.with_redis and past.swap.comes:
        raise RefusedError(
            "--with-redis: the Redis of then runs only once its compose files are in place",
            hint=f"{UNTOUCHED} Leave it out: people log in again then.",
        )


def _diff(now: Mapping[str, bytes], then: Mapping[str, bytes], swap: ComposeSwap) -> str:
    changed = {each.path: then[each.path] for each in swap.files}
    return unified_diff([ComposeFile(path, text) for path, text in now.items()], changed)


async def _config(tools: Tools, texts: Mapping[str, bytes]) -> Mapping[str, Any]:
    try:
        return await tools.project.config(texts)
    except PortError as error:
        raise RefusedError(
            f"Compose does not take the compose files: {error}",
            hint=f"{UNTOUCHED} Restore what they need in .env first.",
        ) from error
