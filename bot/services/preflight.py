"""`akbot update --preflight`: all that must hold before an update begins; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.errors import PortError, RefusedError
from bot.domain.findings import Finding
from bot.domain.outposts import left_behind
from bot.domain.preflight import MEMORY, judge_preflight
from bot.domain.preflight_facts import ComposeState
from bot.domain.restore import compose_site
from bot.domain.stack import Stack
from bot.domain.update_outlook import Outlook
from bot.services.compose_ports import ComposeDrift, ComposeFiles
from bot.services.ports import Clock, Engine
from bot.services.store_probe import StoreProbe
from bot.services.stores import Place, Stores
from bot.services.update_check import UpdateCheck
from bot.services.update_ports import PreflightLook

_LETTERS = "abcdefghijkmnpqrstuvwxyz"


@dataclass(frozen=True)
class Ahead:
    """The way, and what was found on it; *left_behind* are outposts that do not go along."""

    outlook: Outlook
    findings: Sequence[Finding]
    left_behind: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preflight:
    """Plans the way, looks at the stack and the stores, and judges."""

    check: UpdateCheck
    look: PreflightLook
    engine: Engine
    stores: Stores
    clock: Clock
    files: ComposeFiles
    in_step: ComposeDrift

    async def run(self, wanted: str = "") -> Sequence[Finding]:
        """Every finding on the way to *wanted*; raises as `UpdateCheck.run` does."""
        return (await self.look_ahead(wanted)).findings

    async def look_ahead(
        self, wanted: str = "", *, rehearse: bool = True, apply_compose: bool = False
    ) -> Ahead:
        """The way, too.

        What only a rehearsal needs is no matter where nobody wants one, and what the compose files
        lack is none where they are changed.
        """
        outlook = await self.check.run(wanted)
        stack = await self.engine.find_stack()
        state = await self.look.look(stack)
        compose = await self._compose(stack, outlook)
        compose = replace(compose, applied=apply_compose)
        judged = judge_preflight(replace(state, compose=compose), outlook)
        findings = [each for each in judged if rehearse or each.subject != MEMORY]
        for place in self.stores.places:
            findings += await self._store(place)
        left = left_behind(compose.outposts, str(outlook.target))
        return Ahead(outlook, findings, tuple(each.service for each in left))

    async def _compose(self, stack: Stack, outlook: Outlook) -> ComposeState:
        way = (outlook.current.family, outlook.target.family)
        try:
            drift = tuple(await self.in_step.drift(stack))
            outposts = tuple(await self.in_step.outposts(stack, str(outlook.target)))
        except PortError as error:
            return ComposeState(trouble=str(error))
        state = ComposeState(drift=drift, outposts=outposts)
        try:
            planned = await self.files.plan(compose_site(stack), *way)
        except PortError as error:
            return replace(state, trouble=str(error))
        except RefusedError as error:
            return replace(state, refusal=str(error), by_hand=error.hint)
        return replace(state, left=planned.left if planned else ())

    async def _store(self, place: Place) -> list[Finding]:
        run_id = self.clock.random_text(_LETTERS, 8)
        findings = await StoreProbe(place.store, run_id).run()
        if not self.stores.several:
            return [*findings]
        return [replace(each, subject=f'store "{place.name}"') for each in findings]
