"""What an update is about to do: its plan, written down before anything is changed.

The plan knows all that must be known to finish or to undo it while server and worker are away.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pydantic import TypeAdapter

from bot.domain.compose_edit import ComposeChange
from bot.domain.restore import Site, TagChange, database_name
from bot.domain.update_gate import Baseline

PLAN = "update"
"""Fact of the job of an update or a rollback: the update's plan, as JSON."""
PHASE = "phase"
"""Fact of such a job: how far its hop was about to go."""
HOP = "hop"
"""Fact of an update's job: the number of the hop in hand, from 1."""
EVIDENCE = "evidence"
"""Fact of an update's job: where that lies which the containers of the version that went said."""
ASKED_UNTIL = "asked_until"
"""Fact of an update's job: until when a person may say whether the hop in hand stays; "" once over.

In ISO's form.
"""
COPIED = "copied"
"""Fact of an update's or a rollback's job: when the database was copied that is the way back.

In ISO's form; of an update in several steps it is the copy from before the first.
"""
COPY_STAYS = "copy_stays"
"""Fact of an update's or a rollback's job: whether the copy of the database stays, "1" or "".

It does where the version before serves on a database that has lost rows since.
"""
AROUND = "around"
"""Fact of an update's job: "1" where what failed lies around the version and says nothing of it."""
SERVES = "serves"
"""Fact of an update's job that is RETURNED, or a rollback's that is KEEP: what serves again.

In a sentence.
"""
UNDOES = "undoes"
"""Fact of a rollback's job: the id of the update that it takes back, of which HOP were made."""

UNTOUCHED = "Nothing was changed: the old version serves, and nobody was logged out."


class Phase(StrEnum):
    """How far a hop is about to go; each is written before its first act.

    BACK and RETURNED are written as far as the journal can be: no undo waits for it.
    """

    READY = "ready"  # all that was done for it so far lies beside what serves
    SWITCH = "switch"  # server and worker go, the database is copied, the tag is written
    START = "start"  # the new version is started, and may migrate and be written to
    BACK = "back"  # the hop is undone
    RETURNED = "returned"  # the version before was started again; only what is left of it goes
    KEEP = "keep"  # the gate held for the last hop


@dataclass(frozen=True, kw_only=True)
class HopPlan:
    """One step of the way; *image* as Compose will name it, *digest* the registry's of it.

    *keeps_sessions*: the version before has its sessions in Redis, so that what it holds is kept.
    *change* is None where the compose files stay as they are.
    """

    version: str
    image: str
    digest: str
    image_id: str
    tag: TagChange
    keeps_sessions: bool
    change: ComposeChange | None = None


@dataclass(frozen=True, kw_only=True)
class UpdatePlan:
    """The way from what runs, *site*, to the last of *hops*.

    *baseline* is what the site's own checks answered before; *image_id* is that of the image that
    ran, which is the way back, and *digest* the registry's of it, None where that is not known.
    *left_behind* are outposts of the project that do not go along.
    """

    job: str
    site: Site
    image_id: str
    hops: tuple[HopPlan, ...]
    baseline: Baseline
    digest: str | None = None
    left_behind: tuple[str, ...] = ()

    @property
    def target(self) -> HopPlan:
        return self.hops[-1]

    def hop(self, number: int) -> HopPlan:
        """They are counted from 1."""
        return self.hops[number - 1]

    def version_before(self, number: int) -> str | None:
        """What serves before that hop, and again once it is undone."""
        return self.hop(number - 1).version if number > 1 else self.site.version

    def image_before(self, number: int) -> str:
        """The name of the image that serves before that hop."""
        return self.hop(number - 1).image if number > 1 else self.site.image

    def image_id_before(self, number: int) -> str:
        """The id that the Engine gave it, which holds where its name was given to another."""
        return self.hop(number - 1).image_id if number > 1 else self.image_id

    def digest_before(self, number: int) -> str | None:
        """The registry's digest of it, None where that is not known."""
        return self.hop(number - 1).digest if number > 1 else self.digest

    def key(self, number: int) -> str:
        """What everything that a hop keeps is named after."""
        return self.job if number == 1 else f"{self.job}-{number}"

    def snapshot(self, number: int) -> str:
        """The database as it was before that hop."""
        return database_name(self.site.database, "before", self.key(number))

    def failed(self, number: int) -> str:
        """The database that the hop has left, once the snapshot serves in its place."""
        return database_name(self.site.database, "failed", self.key(number))


_ADAPTER = TypeAdapter(UpdatePlan)


def encode_plan(plan: UpdatePlan) -> str:
    """The plan for the journal."""
    return _ADAPTER.dump_json(plan).decode()


def plan_of(facts: Mapping[str, str]) -> UpdatePlan | None:
    """The plan in a job's facts; None where it had not come so far as to change anything."""
    return _ADAPTER.validate_json(facts[PLAN]) if PLAN in facts else None


def phase_of(facts: Mapping[str, str]) -> Phase:
    """How far the hop in hand was about to go."""
    return Phase(facts.get(PHASE, Phase.READY))


def hop_of(facts: Mapping[str, str]) -> int:
    """The number of the hop in hand."""
    return int(facts.get(HOP, "1"))


def promoted(facts: Mapping[str, str]) -> int:
    """How many hops were promoted."""
    return hop_of(facts) if phase_of(facts) is Phase.KEEP else hop_of(facts) - 1
