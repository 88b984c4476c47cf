"""What refuses an update, and whether a change of the compose files would help."""

from dataclasses import replace

import pytest

from bot.domain.errors import RefusedError, UnfitError
from bot.domain.findings import Finding, Level
from bot.domain.preflight import MEMORY
from bot.domain.update_holds import Hold, HoldKind
from bot.domain.update_preview import require_fit
from bot.domain.versions import Version
from tests.domain.test_update_news import outlook
from tests.telegram_chat.rolls import DIFF, NEEDS_COMPOSE, make_update

OF_COMPOSE = replace(NEEDS_COMPOSE, level=Level.FAILURE)
OF_DISK = Finding("disk", Level.FAILURE, "2 GB are free", "Make room.")
OUTPOSTS = Finding("outposts", Level.WARNING, '"proxy" must run the same version')
CONNECTIONS = Finding(
    "connections", Level.WARNING, "90 of 100 are in use, and 2025.10 needs more", "Raise it."
)
OTHER = Version(2025, 4, 5)
FRESH = Hold(HoldKind.TOO_FRESH, "it is too fresh", remedy="Wait.")
STUCK = Hold(HoldKind.UNSETTLED, "a job was given up", remedy="Look.")


@pytest.mark.parametrize(
    ("findings", "by_compose"),
    [
        ([OF_COMPOSE], True),
        ([OF_COMPOSE, OF_COMPOSE], True),
        ([OF_COMPOSE, OF_DISK], False),
        ([OF_DISK, NEEDS_COMPOSE], False),
    ],
)
def test_what_blocks_is_named_and_whether_the_compose_files_are_all_of_it(
    findings: list[Finding], *, by_compose: bool
) -> None:
    with pytest.raises(UnfitError, match=r"not fit for 2025\.4\.4: ") as caught:
        require_fit(outlook(), findings, named=False)

    told = "; ".join(
        f"{each.subject}: {each.message}" for each in findings if each is not NEEDS_COMPOSE
    )
    assert f" fit for 2025.4.4: {told}. Nothing was changed" in str(caught.value)
    assert caught.value.by_compose == by_compose
    assert caught.value.hint == findings[0].remedy


@pytest.mark.parametrize(
    ("hold", "named", "refused"),
    [(FRESH, False, True), (FRESH, True, False), (STUCK, False, True), (STUCK, True, True)],
)
def test_a_person_who_names_a_version_waits_for_no_age(
    hold: Hold, *, named: bool, refused: bool
) -> None:
    held = replace(outlook(), holds=(hold,))
    if not refused:
        require_fit(held, [NEEDS_COMPOSE], named=named)
        return
    with pytest.raises(RefusedError, match=hold.words) as caught:
        require_fit(held, [], named=named)
    assert caught.value.hint == hold.remedy
    assert not isinstance(caught.value, UnfitError)


def test_a_word_holds_for_one_plan_and_no_other() -> None:
    plans = [
        make_update(),
        make_update().unrehearsed,
        make_update(diff=DIFF),
        make_update(current="2025.2.4"),
        make_update(hops=make_update().hops[:1]),
        make_update(
            hops=[replace(each, hop=replace(each.hop, end=OTHER)) for each in make_update().hops]
        ),
        make_update(hops=[replace(each, digest="sha256:other") for each in make_update().hops]),
        make_update(warnings=(NEEDS_COMPOSE,)),
        make_update(warnings=(OUTPOSTS,)),
        make_update(warnings=(OUTPOSTS, NEEDS_COMPOSE)),
    ]

    assert len({each.plan_hash for each in plans}) == len(plans)


@pytest.mark.parametrize(
    ("shown", "now"),
    [
        pytest.param((OUTPOSTS, CONNECTIONS), (CONNECTIONS, OUTPOSTS), id="in another order"),
        pytest.param(
            (CONNECTIONS,),
            (replace(CONNECTIONS, message="91 of 100 are in use, and 2025.10 needs more"),),
            id="with another figure",
        ),
        pytest.param(
            (CONNECTIONS,), (replace(CONNECTIONS, remedy="Raise it by 9."),), id="another remedy"
        ),
    ],
)
def test_the_same_warnings_are_the_same_plan(
    shown: tuple[Finding, ...], now: tuple[Finding, ...]
) -> None:
    assert make_update(warnings=shown).plan_hash == make_update(warnings=now).plan_hash


def test_a_way_that_is_not_rehearsed_has_no_warning_about_the_rehearsal() -> None:
    """The job without one does not look for that, and has to come to the same plan."""
    memory = Finding(MEMORY, Level.WARNING, "1.2 GB free")
    shown = make_update(warnings=(memory, OUTPOSTS))

    assert shown.unrehearsed == make_update(rehearse=False, warnings=(OUTPOSTS,))


def test_a_way_that_wants_the_compose_files_changed_says_so() -> None:
    assert make_update(warnings=(OF_DISK, NEEDS_COMPOSE)).wants_compose
    assert not make_update(warnings=(OF_DISK,)).wants_compose
