"""`akbot update --preflight`: all that must hold before an update begins; nothing is changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.findings import Finding
from bot.domain.preflight import judge_preflight
from bot.services.ports import BackupStore, Clock, Engine
from bot.services.store_probe import StoreProbe
from bot.services.update_check import UpdateCheck
from bot.services.update_ports import PreflightLook

_LETTERS = "abcdefghijkmnpqrstuvwxyz"


@dataclass(frozen=True)
class Preflight:
    """Plans the way, looks at the stack and the store, and judges."""

    check: UpdateCheck
    look: PreflightLook
    engine: Engine
    store: BackupStore
    clock: Clock

    async def run(self, wanted: str = "") -> Sequence[Finding]:
        """Every finding on the way to *wanted*; raises as `UpdateCheck.run` does."""
        outlook = await self.check.run(wanted)
        state = await self.look.look(await self.engine.find_stack())
        run_id = self.clock.random_text(_LETTERS, 8)
        return [*judge_preflight(state, outlook), *await StoreProbe(self.store, run_id).run()]
