"""The stack is known while a restore has taken its server away, and a wrong setting stays one."""

from dataclasses import dataclass

import pytest

from bot.domain import update
from bot.domain.errors import BotError, ConfigError, PortError, RefusedError
from bot.domain.restore import PLAN, encode_plan
from bot.domain.stack import Stack
from bot.services.whereabouts import Whereabouts
from tests.contracts.state_places import a_job
from tests.domain.test_restore_recovery import PLAN as HALF_WAY
from tests.domain.test_update_recovery import PLAN as HALF_UPDATED
from tests.fakes_journal import FakeJobJournal
from tests.fakes_stack import FakeEngine


@dataclass
class LostEngine(FakeEngine):
    """Finds no stack, and says why."""

    reason: BotError | None = None

    async def find_stack(self) -> Stack:
        raise self.reason or AssertionError


NO_SERVER = ConfigError("there is no service")
NO_DOCKER = PortError("the Engine does not answer")


@pytest.mark.parametrize(
    "facts",
    [{PLAN: encode_plan(HALF_WAY)}, {update.PLAN: update.encode_plan(HALF_UPDATED)}],
    ids=["restore", "update"],
)
async def test_a_job_half_way_is_named_and_its_stack_known(facts: dict[str, str]) -> None:
    journal, job = FakeJobJournal(), a_job()
    await journal.begin(job)
    await journal.plan(job.id, facts)
    whereabouts = Whereabouts(LostEngine(reason=NO_SERVER), journal)

    assert await whereabouts.name() in {HALF_WAY.site.project, HALF_UPDATED.site.project}
    with pytest.raises(RefusedError, match="has taken server and worker away"):
        await whereabouts.find()


async def test_without_a_restore_the_wrong_setting_is_told() -> None:
    whereabouts = Whereabouts(LostEngine(reason=NO_SERVER), FakeJobJournal())

    for ask in (whereabouts.name, whereabouts.find):
        with pytest.raises(ConfigError, match="no service"):
            await ask()


async def test_a_named_stack_needs_no_docker_and_another_is_told_so() -> None:
    engine = LostEngine(reason=NO_DOCKER)

    assert await Whereabouts(engine, FakeJobJournal(), "authentik").name() == "authentik"
    with pytest.raises(PortError) as refused:
        await Whereabouts(engine, FakeJobJournal()).name()
    assert "AKBOT_STACK" in refused.value.__notes__[0]


async def test_a_stack_that_is_there_is_found() -> None:
    engine = FakeEngine()
    journal, job = FakeJobJournal(), a_job()
    await journal.begin(job)
    await journal.plan(job.id, {PLAN: encode_plan(HALF_WAY)})
    whereabouts = Whereabouts(engine, journal)

    assert await whereabouts.find() is engine.stack
    assert await whereabouts.name() == engine.stack.project
