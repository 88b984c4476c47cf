"""What becomes of a restore that was cut off: by its plan, its phase and what is there."""

from dataclasses import replace

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.restore import (
    Folder,
    Phase,
    RestorePlan,
    SessionsDo,
    Site,
    TagChange,
    database_name,
    encode_plan,
    phase_of,
    plan_of,
    undo_plan,
)
from bot.domain.restore_recovery import FolderState, Remedy, Truth, decide

JOB = "20261123T033000Z-k3f9"
SITE = Site(
    project="authentik",
    postgresql="postgresql",
    server="server",
    worker="worker",
    redis=None,
    working_dir="/srv",
    config_files=("/srv/docker-compose.yml",),
    env_files=(),
    database="authentik",
    user="authentik",
    image="ghcr.io/goauthentik/server:2025.2.4",
    version="2025.2.4",
)
PLAN = RestorePlan(
    job=JOB,
    backup="20261122T033000Z-aaaa",
    site=SITE,
    database=True,
    folders=(Folder("media", "/m"), Folder("certs", "/c")),
    sessions=SessionsDo.FLUSH,
    image="ghcr.io/goauthentik/server:2025.2.1",
    version="2025.2.1",
    tag=TagChange("/srv/.env", "AUTHENTIK_TAG", "2025.2.4", "2025.2.1"),
)
FILES = replace(PLAN, database=False)
SESSIONS = replace(PLAN, database=False, folders=())
LIVE, IN, OUT = "authentik", PLAN.incoming, PLAN.outgoing
NONE, STAGED, MOVING, SWAPPED = FolderState


def truth(*databases: str, media: FolderState = NONE, certs: FolderState = NONE) -> Truth:
    return Truth(frozenset(databases), {"/m": media, "/c": certs})


def opened(found: Truth) -> Truth:
    return replace(found, is_open=True)


GONE = replace(PLAN, from_nothing=True)
BOTH = {"media": SWAPPED, "certs": SWAPPED}
CASES = [
    # plan, phase, truth, interrupted, remedy
    (PLAN, Phase.BESIDE, truth(LIVE), True, Remedy.DROP_NEW),
    (PLAN, Phase.BESIDE, truth(LIVE, IN, media=STAGED), False, Remedy.DROP_NEW),
    (PLAN, Phase.BESIDE, truth(LIVE, OUT), True, Remedy.ASK),
    (PLAN, Phase.SWITCH, truth(LIVE, IN, media=STAGED), True, Remedy.SWAP_BACK),
    (PLAN, Phase.SWITCH, truth(LIVE, OUT, media=MOVING, certs=STAGED), True, Remedy.SWAP_BACK),
    (PLAN, Phase.SWITCH, truth(LIVE, OUT, **BOTH), True, Remedy.SWAP_BACK),
    # a person has opened it meanwhile, by the runbook
    (PLAN, Phase.SWITCH, opened(truth(LIVE, OUT, **BOTH)), True, Remedy.GATE_THEN_KEEP),
    (PLAN, Phase.SWITCH, opened(truth(LIVE, OUT, media=SWAPPED)), True, Remedy.ASK),
    (PLAN, Phase.SWITCH, opened(truth(LIVE, IN)), True, Remedy.SWAP_BACK),
    (PLAN, Phase.SWITCH, opened(truth(LIVE, **BOTH)), True, Remedy.ASK),
    (PLAN, Phase.SWITCH, truth(LIVE, **BOTH), True, Remedy.ASK),
    (PLAN, Phase.START, truth(LIVE, media=MOVING, certs=STAGED), True, Remedy.ASK),
    (PLAN, Phase.SWITCH, truth(LIVE, media=STAGED, certs=STAGED), True, Remedy.SWAP_BACK),
    (PLAN, Phase.START, truth(LIVE, OUT, **BOTH), True, Remedy.GATE_THEN_KEEP),
    (PLAN, Phase.START, truth(LIVE, OUT, **BOTH), False, Remedy.SWAP_BACK),
    (PLAN, Phase.START, truth(LIVE, IN, **BOTH), True, Remedy.SET_ASIDE),
    (PLAN, Phase.START, truth(LIVE, OUT, media=SWAPPED, certs=STAGED), True, Remedy.SET_ASIDE),
    (PLAN, Phase.KEEP, truth(LIVE, OUT, **BOTH), True, Remedy.KEEP),
    (PLAN, Phase.KEEP, truth(LIVE, OUT, **BOTH), False, Remedy.KEEP),
    (PLAN, Phase.START, truth(LIVE, IN, OUT, **BOTH), True, Remedy.ASK),
    (PLAN, Phase.SWITCH, truth(IN, OUT), True, Remedy.ASK),
    (GONE, Phase.BESIDE, truth(), True, Remedy.DROP_NEW),
    (GONE, Phase.BESIDE, truth(IN, media=STAGED), False, Remedy.DROP_NEW),
    (GONE, Phase.BESIDE, truth(LIVE, IN), True, Remedy.DROP_NEW),  # somebody else's by now
    (GONE, Phase.SWITCH, truth(IN, media=STAGED), True, Remedy.SWAP_BACK),
    (GONE, Phase.SWITCH, truth(LIVE, media=MOVING, certs=STAGED), True, Remedy.SWAP_BACK),
    (GONE, Phase.SWITCH, truth(LIVE, IN), True, Remedy.SWAP_BACK),
    (GONE, Phase.SWITCH, truth(), True, Remedy.SWAP_BACK),  # it was swapped back and dropped
    (GONE, Phase.SWITCH, opened(truth(LIVE, **BOTH)), True, Remedy.GATE_THEN_KEEP),
    (GONE, Phase.SWITCH, opened(truth(LIVE, IN)), True, Remedy.ASK),
    (GONE, Phase.START, truth(LIVE, **BOTH), True, Remedy.GATE_THEN_KEEP),
    (GONE, Phase.START, truth(LIVE, **BOTH), False, Remedy.SWAP_BACK),
    (GONE, Phase.KEEP, truth(LIVE, **BOTH), True, Remedy.KEEP),
    (FILES, Phase.BESIDE, truth(media=STAGED), True, Remedy.DROP_NEW),
    (FILES, Phase.SWITCH, truth(media=SWAPPED, certs=MOVING), True, Remedy.SWAP_BACK),
    (FILES, Phase.SWITCH, truth(**BOTH), True, Remedy.SWAP_BACK),
    (FILES, Phase.SWITCH, opened(truth(**BOTH)), True, Remedy.GATE_THEN_KEEP),
    (FILES, Phase.SWITCH, opened(truth(media=SWAPPED)), True, Remedy.SWAP_BACK),
    (FILES, Phase.START, truth(**BOTH), True, Remedy.GATE_THEN_KEEP),
    (FILES, Phase.START, truth(media=SWAPPED, certs=STAGED), True, Remedy.SET_ASIDE),
    (SESSIONS, Phase.BESIDE, Truth(frozenset()), True, Remedy.DROP_NEW),
    (SESSIONS, Phase.SWITCH, Truth(frozenset()), True, Remedy.SWAP_BACK),
    (SESSIONS, Phase.START, Truth(frozenset()), True, Remedy.GATE_THEN_KEEP),
    (SESSIONS, Phase.KEEP, Truth(frozenset()), True, Remedy.KEEP),
]


@pytest.mark.parametrize(("plan", "phase", "found", "interrupted", "remedy"), CASES)
def test_the_remedy(
    plan: RestorePlan,
    phase: Phase,
    found: Truth,
    interrupted: bool,  # noqa: FBT001
    remedy: Remedy,
) -> None:
    assert decide(plan, phase, found, interrupted=interrupted) is remedy


@pytest.mark.parametrize(
    ("phase", "found", "set_aside", "remedy"),
    [
        pytest.param(
            Phase.START, truth(LIVE, OUT, **BOTH), False, Remedy.SET_ASIDE, id="may have served"
        ),
        pytest.param(
            Phase.START, truth(LIVE, IN), False, Remedy.SWAP_BACK, id="was back before it ended"
        ),
        pytest.param(Phase.SWITCH, truth(LIVE, OUT, **BOTH), False, Remedy.SWAP_BACK, id="never"),
        pytest.param(Phase.START, truth(LIVE, IN), True, Remedy.SET_ASIDE, id="half-way back"),
        pytest.param(
            Phase.SWITCH, truth(LIVE, IN), True, Remedy.SET_ASIDE, id="opened by hand, half-way"
        ),
        pytest.param(Phase.KEEP, truth(LIVE, OUT, **BOTH), False, Remedy.KEEP, id="held"),
    ],
)
def test_what_may_have_served_since_it_failed_is_not_dropped(
    phase: Phase,
    found: Truth,
    set_aside: bool,  # noqa: FBT001
    remedy: Remedy,
) -> None:
    since = replace(found, later=True, set_aside=set_aside)

    assert decide(PLAN, phase, since, interrupted=False) is remedy


def test_a_plan_survives_the_journal() -> None:
    facts = {"restore": encode_plan(PLAN), "phase": Phase.START.value}

    assert plan_of(facts) == PLAN
    assert phase_of(facts) is Phase.START
    assert plan_of({}) is None


def test_names_of_databases_fit_postgresql_and_are_no_other_jobs() -> None:
    longest = database_name("ö" * 60, "restore", JOB)

    assert len(longest.encode()) <= 63
    assert longest != database_name("ö" * 60, "before", JOB)
    assert database_name("authentik", "before", JOB) == "authentik_before_20261123t033000z_k3f9"


def test_an_undo_goes_back_to_what_ran_before() -> None:
    undo = undo_plan(
        PLAN, BackupId("20261124T033000Z-bbbb"), SITE, PLAN.tag.back if PLAN.tag else None
    )

    assert (undo.image, undo.version, undo.undoes) == (SITE.image, "2025.2.4", JOB)
    assert undo.tag == TagChange("/srv/.env", "AUTHENTIK_TAG", "2025.2.1", "2025.2.4")
    assert undo.sessions is SessionsDo.LOAD
    assert undo.folders == PLAN.folders
