"""What is told of backups, of plans and of restores: all that a person decides on, and no more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.backup_id import BackupId
from bot.domain.catalogue import BackupState
from bot.domain.drilled import Drilled
from bot.domain.jobs import JobKind, JobState, Trigger
from bot.domain.progress import BackupProgress
from bot.domain.restore import FROM_NOTHING, GOING_AWAY, SessionsDo
from bot.domain.restore_from_nothing import NO_WAY_BACK
from bot.domain.roles import Act
from bot.domain.undo_ways import Ways
from bot.entrypoints.telegram import backup_texts, restore_plan_texts, restore_texts
from bot.entrypoints.telegram.pressed import Deed, DeedData
from tests.bot_api.markup import parse_html
from tests.domain.test_manifest import MANIFEST, summary_of
from tests.telegram_chat.samples import make_preview, record
from tests.telegram_chat.test_texts import WALL, make_job
from tests.telegram_chat.world import NOW


def shown_lines(text: str) -> list[str]:
    return parse_html(text).text.splitlines()


def test_the_list_has_pages_with_a_button_for_each_backup() -> None:
    records = [record(hours) for hours in range(13)]
    first, middle, last = (backup_texts.page(records, number, WALL) for number in range(3))

    assert "Page 2 of 3, 13 backups in all." in middle.text
    assert [len(row) for row in middle.buttons] == [2, 2, 2, 2]
    assert [label for label, _ in first.buttons[-1]] == ["Older →"]
    assert [label for label, _ in middle.buttons[-1]] == ["← Newer", "Older →"]
    assert [label for label, _ in last.buttons[-1]] == ["← Newer"]
    assert backup_texts.page(records, 99, WALL) == last
    assert backup_texts.page(records[:6], 0, WALL).buttons[-1][0][0] != "Older →"
    for label, data in middle.buttons[0]:
        assert label in middle.text, "the button is named as the row"
        assert DeedData.read(data).what in {each.id for each in records}


def test_a_list_to_choose_from_names_each_backup_once_and_fits_a_phone() -> None:
    records = [
        record(hours, 999_900_000, stores=("nas",), lacking=("s3",))
        for hours in (1, 1.01, 20, 9_000, 9_001, 10_000)
    ]
    records[2] = replace(records[2], state=BackupState.DAMAGED)
    here = backup_texts.choosable(records)
    tried: dict[str, Drilled] = {
        here[0].id: Drilled(NOW - timedelta(days=400), passed=True),
        here[3].id: Drilled(NOW, passed=False),
    }

    labels = backup_texts.labels(Act.RESTORE, here, WALL)
    text = backup_texts.which_backup(Act.RESTORE, here, tried, WALL)

    assert labels == [
        "Newest: 24 Nov 11:00 (1 h ago)",
        "24 Nov 10:59 (1 h ago)",
        "14 Nov 2025 (375 days ago) 120000Z-k3f9",
        "14 Nov 2025 (375 days ago) 110000Z-k3f9",
        "03 Oct 2025 (416 days ago)",
    ]
    assert all(
        len(line) <= 36 for line in text.partition("<pre>")[2].split("</pre>")[0].split("\n")
    )
    assert "20 Oct 2025" in text
    assert "FAILED" in text


def test_what_a_restore_has_put_away_is_never_the_newest_to_restore() -> None:
    made = NOW - timedelta(hours=1)
    away = summary_of(replace(MANIFEST, trigger=Trigger.SAFETY, created=made))
    here = [record(1, summary=away), record(20)]

    text = backup_texts.which_backup(Act.RESTORE, here, {}, WALL)

    assert backup_texts.labels(Act.RESTORE, here, WALL) == [
        "24 Nov 11:00 (1 h ago), safety",
        "Newest: 23 Nov 16:00 (20 h ago)",
    ]
    assert backup_texts.labels(Act.DRILL, here, WALL)[0].startswith("Newest: 24 Nov")
    assert "takes the newest good one but those made before a restore" in text
    assert "but" not in backup_texts.which_backup(Act.DRILL, here, {}, WALL)


def test_a_restore_without_a_way_back_offers_none() -> None:
    plain = replace(make_job(JobState.DONE), kind=JobKind.RESTORE, message=NO_WAY_BACK)
    done = replace(plain, message="it serves", plan={FROM_NOTHING: "yes"})

    told = restore_texts.outcome(done)

    assert not told.buttons
    assert "the button takes the restore back" not in told.text
    assert restore_texts.outcome(plain).buttons, "whatever its words are"


def test_every_button_of_a_backup_fits_into_what_telegram_carries() -> None:
    data = DeedData(Deed.RESTORE, record(1).id, 9999).line()

    assert len(data.encode()) <= 64
    assert DeedData.read(data) == DeedData(Deed.RESTORE, record(1).id, 9999)


@pytest.mark.parametrize(
    "data", ["b:", "b:x:", "b:r:latest:0", "b:r:20261124T033000Z-k3f9", "b:r::x", "b:l:::0"]
)
def test_what_people_make_up_as_a_button_is_none(data: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part of it is wrong
        DeedData.read(data)


def test_where_backups_lie_is_told_if_there_are_several_stores() -> None:
    both = record(8, stores=("near", "far"))
    one = record(32, stores=("near",), lacking=("far",))

    everywhere = backup_texts.page([both, both], 0, WALL).text
    lacking = backup_texts.page([both, one], 0, WALL).text

    assert "Each lies in near, far." in everywhere
    assert "lies in near; not in far." in lacking
    assert lacking.count("lies in") == 1
    assert "It lies in near; not in far\n" in backup_texts.one([one], one.id, 0, WALL).text + "\n"
    assert "lies" not in backup_texts.page([record(8, stores=("only",))], 0, WALL).text


def test_of_a_damaged_backup_only_another_look_is_offered() -> None:
    damaged = record(8, state=BackupState.DAMAGED)

    shown = backup_texts.one([damaged], damaged.id, 0, WALL)

    labels = [label for row in shown.buttons for label, _ in row]
    assert labels == ["Verify", "← All backups"]


def test_of_a_backup_that_is_not_whole_nothing_is_offered() -> None:
    for state, offered in (
        (BackupState.GOOD, ["Verify", "Drill", "Pin", "Restore …", "← All backups"]),
        (BackupState.PARTIAL, ["Verify", "Drill", "Pin", "Restore …", "← All backups"]),
        (BackupState.NOT_TRUSTED, ["← All backups"]),
        (BackupState.INCOMPLETE, ["← All backups"]),
    ):
        one = record(1, state=state)
        shown = backup_texts.one([one], one.id, 0, WALL)
        assert [label for row in shown.buttons for label, _ in row] == offered
    pinned = record(1, pinned=True)
    labels = [
        label for row in backup_texts.one([pinned], pinned.id, 0, WALL).buttons for label, _ in row
    ]
    assert "Unpin" in labels


def test_a_plan_says_that_the_compose_files_change_back() -> None:
    undo = replace(make_preview(), undo_of=make_preview().backup_id, compose="-  redis:")

    words = "The compose files change back with it, with the folders and the Redis"
    assert any(line.startswith(words) for line in shown_lines(restore_plan_texts.plan(undo, WALL)))
    usual = replace(undo, compose="")
    assert words not in " ".join(shown_lines(restore_plan_texts.plan(usual, WALL)))


def test_a_plan_says_what_is_replaced_lost_and_who_comes_back() -> None:
    lines = shown_lines(restore_plan_texts.plan(make_preview(), WALL))

    assert lines == [
        "Restore the backup of 03:30 (8 h ago)?",
        "20261124T033000Z-k3f9, 215.0 MB",
        "Label: before the move",
        "It is the newest good one.",
        "",
        "Replaced: postgres, media.",
        "Not touched: certs.",
        "Lost: all that was written since. The newest event is of 11:58 (2 min ago).",
        "Rows: 12,400 now, 12,345 then.",
        "Users: 15 now, 12 then.",
        (
            "Comes back: who was deleted since, and every token revoked since. Passwords are the"
            " old ones."
        ),
        "The state before is backed up first, and kept, so that you can take this back.",
        "",
        "Authentik 2025.4.1 becomes 2025.2.1.",
        "Redis is emptied, so people must log in again; what it holds is kept aside.",
        "Differs, and stays as it is now: PG_PASS in .env is another one now",
        "⚠️ Warning: an old client",
        "",
        (
            "While server and worker start nobody can log in. I go on, and tell you here how far it"
            " is."
        ),
        "",
        "Go on? Nothing has been changed so far.",
    ]


def test_a_plan_of_less_says_less() -> None:
    files = make_preview(
        components=("media",), newest=False, safety_backup=False, sessions=SessionsDo.LEAVE
    )
    text = restore_plan_texts.plan(replace(files, version_then="2025.4.1"), WALL)

    assert "There is a newer good one." in text
    assert "There is no backup of the state before" in text
    assert "Authentik stays 2025.4.1." in text
    assert "Users" not in text
    assert "Redis" not in text
    unknown = restore_plan_texts.plan(make_preview(live=None, contents=None), WALL)
    assert "Users" not in unknown
    assert "Lost" in unknown
    many = restore_plan_texts.plan(make_preview(warnings=("one",) * 8), WALL)
    assert "3 more" in many


def test_an_undo_says_what_comes_and_what_goes() -> None:
    preview = make_preview(
        manifest=None,
        backup_id=None,
        undo_of=BackupId("20261124T113000Z-aaaa"),
        untouched=(),
        ways=Ways("what served until noon", ("what served at nine: akbot restore x",)),
    )
    text = "\n".join(shown_lines(restore_plan_texts.plan(preview, WALL)))

    assert "Take the restore of 11:30 (30 min ago) back?" in text
    assert "What served before it serves again: postgres, media." in text
    assert "That is what served until noon." in text
    assert "Older is what served at nine: akbot restore x" in text
    assert "Lost: all that was written since that restore. It is kept for one more undo." in text


def test_a_restore_tells_its_steps_and_whether_people_can_log_in() -> None:
    job = replace(make_job(), kind=JobKind.RESTORE)
    beside = ("checking postgres", "backing up the state before")
    before = restore_texts.progress(job, BackupProgress(steps=beside), 0, WALL)
    away = restore_texts.progress(
        job, BackupProgress(steps=(*beside, GOING_AWAY, "swapping the databases")), 0, WALL
    )

    assert "✔️ done: checking postgres\n⏳ now: backing up the state before" in before
    assert "Authentik serves meanwhile." in before
    assert "⏳ now: swapping the databases\nNobody can log in until it holds." in away
    assert "serves meanwhile" not in away
    ended = restore_texts.progress_ended(replace(job, ended=NOW), WALL)
    assert ended.startswith("The restore has ended at 12:00. The message that follows says more.")


@pytest.mark.parametrize(
    ("state", "label", "labels"),
    [
        (JobState.DONE, "20261124T033000Z-k3f9", ["Take it back …"]),
        (JobState.DONE, "", ["Take it back …"]),
        (JobState.FAILED, "20261124T033000Z-k3f9", ["Show me the plan anew", "Verify that backup"]),
        (JobState.CANCELLED, "undo", ["Show me the plan anew"]),
        (JobState.FAILED, "", []),
        (JobState.STUCK, "20261124T033000Z-k3f9", []),
    ],
)
def test_the_end_of_a_restore_has_buttons_for_what_may_follow(
    state: JobState, label: str, labels: list[str]
) -> None:
    job = replace(make_job(state, "why"), kind=JobKind.RESTORE, label=label)

    assert [each for each, _ in restore_texts.outcome(job).buttons] == labels
    unswept = restore_texts.outcome(replace(job, state=JobState.FAILED, swept=False))
    assert unswept.buttons == ()
    assert "Restore failed" in unswept.text


@pytest.mark.parametrize(
    ("state", "phase", "headline", "away"),
    [
        (JobState.FAILED, "switch", "🆘 <b>Restore failed, and a person is needed</b>", True),
        (JobState.CANCELLED, "start", "🆘 <b>Restore failed, and a person is needed</b>", True),
        (JobState.INTERRUPTED, "start", "⚠️ <b>Restore interrupted</b>", True),
        (JobState.FAILED, "beside", "❌ <b>Restore failed</b>", False),
        (JobState.FAILED, "keep", "❌ <b>Restore failed</b>", False),
    ],
)
def test_a_restore_that_is_not_undone_says_whether_anybody_can_log_in(
    state: JobState, phase: str, headline: str, *, away: bool
) -> None:
    job = replace(make_job(state, "why"), kind=JobKind.RESTORE, swept=False, plan={"phase": phase})

    text = restore_texts.outcome(job).text

    assert text.startswith(headline)
    assert ("It may be that nobody can log in yet." in text) is away
    assert "It is tried again every minute." in text
