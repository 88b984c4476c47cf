"""An update that dies in an act, between two writes of the journal: one whole version serves.

The kills at each of the journal's writes are in test_update_kills, those of the real process in
tests/e2e/test_updates_kills.py.
"""

from dataclasses import dataclass, field, replace

import pytest

from bot.adapters.journal import Journal
from bot.domain.jobs import JobState
from tests.fakes_roll import LIVE, REPOSITORY, Behaviour, Content, RollHost
from tests.fakes_stack import make_stack
from tests.services.mortal import KilledError, Life
from tests.services.roll_world import UPDATE, process, world_of
from tests.services.test_update_check import image

OLD, NEW = "2025.8.6", "2025.10.4"
WITHOUT_REDIS = replace(UPDATE, tag=NEW, apply_compose=True)
BEFORE = Content(versions=(OLD,))


@dataclass
class PlaceOfDeath(RollHost):
    """A host on which *life* ends with the call *dies_at*, which still *takes_effect* or not."""

    life: Life = field(default_factory=Life)
    dies_at: str = ""
    takes_effect: bool = False

    def call(self, name: str) -> None:
        super().call(name)
        if name == self.dies_at and not self.life.is_over:
            self.life.is_over = True
            if not self.takes_effect:
                raise KilledError


UNDONE, BACK, KEPT = (
    (JobState.INTERRUPTED, "Nothing was changed"),
    (JobState.ROLLED_BACK, f"{OLD} serves again; the database was not touched"),
    (JobState.DONE, f"{NEW} serves: it had held at the gate"),
)


@pytest.mark.parametrize(
    ("dies_at", "takes_effect", "end"),
    [
        pytest.param("rehearse", False, UNDONE, id="while it rehearses"),
        pytest.param("rehearse", True, UNDONE, id="once it has rehearsed"),
        pytest.param("apply compose", False, BACK, id="before the files"),
        pytest.param("apply compose", True, BACK, id="after the files"),
        pytest.param("write tag", False, BACK, id="before the tag"),
        pytest.param("write tag", True, BACK, id="after the tag"),
        pytest.param("drop redis", False, KEPT, id="once it is promoted"),
        pytest.param("drop redis", True, KEPT, id="after all that was to be done"),
    ],
)
async def test_killed_in_an_act_one_whole_version_serves(
    journal: Journal, dies_at: str, end: tuple[JobState, str], *, takes_effect: bool
) -> None:
    """Where the act still took effect a person starts the stack: of the new tag on a fence."""
    host = PlaceOfDeath(
        databases={LIVE: BEFORE},
        running=OLD,
        tag=OLD,
        images={f"{REPOSITORY}:{OLD}": make_stack().server.image_id},
        pullable={f"{REPOSITORY}:{NEW}"},
        behaviours={NEW: Behaviour(migrations=("new-10",))},
        dies_at=dies_at,
        takes_effect=takes_effect,
    )
    world = world_of(journal, host=host)
    world.registry.images |= {tag: image(tag) for tag in (OLD, NEW)}
    with pytest.raises(KilledError):
        await process(world, journal, host.life).update(WITHOUT_REDIS)
    if takes_effect:
        host.boot()

    [settled] = await process(world, journal, Life()).jobs.recover()

    state, told = end
    is_new = end is KEPT
    assert (settled.state, settled.swept) == (state, True)
    assert told in settled.message
    assert (host.running, host.tag) == ((NEW, NEW) if is_new else (OLD, OLD))
    assert (host.redis, host.compose) == (
        (None, "without redis") if is_new else ("sessions", "as it was")
    )
    assert host.live == (Content(100, ("0001", "new-10"), (OLD, NEW)) if is_new else BEFORE)
    assert LIVE not in host.fenced
    assert len(host.databases) == (2 if is_new else 1), "the way back, and nothing else"
    assert not await journal.jobs.open_jobs()
