"""Where unhealthy containers are restarted, and what is remembered of that, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.cure import Treatment
from bot.domain.errors import BotError


@dataclass
class FakeCureLog:
    """A CureLog; *fails* is what all of it raises."""

    rows: dict[tuple[str, datetime, bool], Treatment] = field(default_factory=dict)
    fails: BotError | None = None

    async def write(self, treatment: Treatment) -> None:
        self._fail()
        self.rows[_key(treatment)] = treatment

    async def remove(self, treatment: Treatment) -> None:
        self._fail()
        self.rows.pop(_key(treatment), None)

    async def since(self, moment: datetime) -> Sequence[Treatment]:
        self._fail()
        found = [each for each in self.rows.values() if each.at >= moment]
        return sorted(found, key=lambda each: each.at)

    def _fail(self) -> None:
        if self.fails:
            raise self.fails


def _key(treatment: Treatment) -> tuple[str, datetime, bool]:
    return treatment.service, treatment.at, treatment.gave_up
