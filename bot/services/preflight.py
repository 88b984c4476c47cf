"""`akbot update --preflight`: all that must hold before an update begins; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.domain.findings import Finding
from bot.domain.preflight import MEMORY, judge_preflight
from bot.domain.update_outlook import Outlook
from bot.services.ports import Clock, Engine
from bot.services.store_probe import StoreProbe
from bot.services.stores import Place, Stores
from bot.services.update_check import UpdateCheck
from bot.services.update_ports import PreflightLook

_LETTERS = "abcdefghijkmnpqrstuvwxyz"


@dataclass(frozen=True)
class Preflight:
    """Plans the way, looks at the stack and the stores, and judges."""

    check: UpdateCheck
    look: PreflightLook
    engine: Engine
    stores: Stores
    clock: Clock

    async def run(self, wanted: str = "") -> Sequence[Finding]:
        """Every finding on the way to *wanted*; raises as `UpdateCheck.run` does."""
        return (await self.look_ahead(wanted))[1]

    async def look_ahead(
        self, wanted: str = "", *, rehearse: bool = True
    ) -> tuple[Outlook, Sequence[Finding]]:
        """The way, too; what only a rehearsal needs is no matter where nobody wants one."""
        outlook = await self.check.run(wanted)
        state = await self.look.look(await self.engine.find_stack())
        judged = judge_preflight(state, outlook)
        findings = [each for each in judged if rehearse or each.subject != MEMORY]
        for place in self.stores.places:
            findings += await self._store(place)
        return outlook, findings

    async def _store(self, place: Place) -> list[Finding]:
        run_id = self.clock.random_text(_LETTERS, 8)
        findings = await StoreProbe(place.store, run_id).run()
        if not self.stores.several:
            return [*findings]
        return [replace(each, subject=f'store "{place.name}"') for each in findings]
