"""Who may do what, as a table; and where anybody is listened to."""

import pytest

from bot.domain.jobs import JobKind
from bot.domain.origin import where
from bot.domain.roles import Access, Act, ChatPlace, ChatRole, may, may_cancel, read_place, who_may

LOOK = {
    Act.HELP,
    Act.STATUS,
    Act.BACKUPS,
    Act.JOBS,
    Act.LOGS,
    Act.REPORT,
    Act.VERSION,
    Act.SCHEDULE,
}  # fmt: skip
WORK = {Act.BACKUP, Act.VERIFY, Act.DRILL, Act.CANCEL, Act.PAUSE, Act.RESUME, Act.MUTE}
CHANGE = {Act.PIN, Act.UNPIN, Act.RESTORE, Act.UPDATE, Act.ROLLBACK}
GROUP, TOPIC = -1001234567890, 7


@pytest.mark.parametrize(
    ("role", "can"),
    [
        (None, set()),
        (ChatRole.VIEWER, LOOK),
        (ChatRole.OPERATOR, LOOK | WORK),
        (ChatRole.ADMIN, LOOK | WORK | CHANGE),
    ],
)
def test_each_role_may_do_what_those_before_it_may(role: ChatRole | None, can: set[Act]) -> None:
    assert {act for act in Act if may(role, act)} == can


def test_operators_stop_only_what_takes_nothing_away() -> None:
    away = {JobKind.RESTORE, JobKind.UPDATE, JobKind.ROLLBACK}

    assert not may_cancel(None)
    assert not may_cancel(ChatRole.VIEWER)
    assert set(may_cancel(ChatRole.OPERATOR)) == set(JobKind) - away
    assert set(may_cancel(ChatRole.ADMIN)) == set(JobKind)


def test_who_may_in_words() -> None:
    assert who_may(Act.RESTORE) == "admins"
    assert who_may(Act.BACKUP) == "operators and admins"


@pytest.mark.parametrize(
    ("named", "chat", "topic", "listens"),
    [
        ([], GROUP, None, True),
        ([ChatPlace(GROUP)], GROUP, None, True),
        ([ChatPlace(GROUP)], GROUP, TOPIC, True),
        ([ChatPlace(GROUP)], -7, None, False),
        ([ChatPlace(GROUP)], -5, None, True),  # a button of a message from before it moved
        ([ChatPlace(-5)], -5, None, True),
        ([ChatPlace(GROUP)], 42, None, True),
        ([ChatPlace(GROUP, TOPIC)], GROUP, TOPIC, True),
        ([ChatPlace(GROUP, TOPIC)], GROUP, 8, False),
        ([ChatPlace(GROUP, TOPIC)], GROUP, None, False),
        ([ChatPlace(GROUP, 1)], GROUP, None, True),
        ([ChatPlace(GROUP, TOPIC), ChatPlace(GROUP)], GROUP, 8, True),
        ([ChatPlace(-5)], GROUP, None, True),  # it has moved
        ([ChatPlace(-6)], GROUP, None, False),
        ([ChatPlace(-6)], 1, None, True),
    ],
)
def test_where_anybody_is_listened_to(
    named: list[ChatPlace],
    chat: int,
    topic: int | None,
    listens: bool,  # noqa: FBT001 - of a table
) -> None:
    access = Access.of(admins=[42], groups=named)

    assert access.listens_in(chat, topic, {-5: GROUP}) is listens


@pytest.mark.parametrize(
    "text", ["", "5", "-0", "-5/0", "-5/", "-5/7/8", "@group", "-5/-7", "-\u0665"]
)
def test_what_names_no_group(text: str) -> None:
    with pytest.raises(ValueError, match="is no group"):
        read_place(text)


def test_a_group_and_a_topic_of_it() -> None:
    assert read_place("-5") == ChatPlace(-5)
    assert read_place("-1001234567890/7") == ChatPlace(GROUP, TOPIC)


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("", ""),
        ("shell", ""),
        ("telegram:4242:42:0:5", "in private"),
        ("telegram:4242:1:0:5", "in private"),
        ("telegram:4242:-5:0:5", "in group -5"),
        ("telegram:4242:-5:7:5:o-5m5.0", "in group -5, topic 7"),
    ],
)
def test_where_a_job_was_asked_for(origin: str, words: str) -> None:
    assert where(origin) == words


def test_what_nobody_asked_for_is_told_to_admins_or_where_it_is_wanted() -> None:
    place = ChatPlace(GROUP, TOPIC)

    assert Access.of(admins=[43, 42], viewers=[44]).hearers == (ChatPlace(42), ChatPlace(43))
    assert Access.of(admins=[42], alerts=[place, place]).hearers == (place,)


def test_where_alerts_are_told_their_buttons_are_listened_to() -> None:
    alerts = [ChatPlace(GROUP, TOPIC)]
    named = Access.of(admins=[42], groups=[ChatPlace(-5)], alerts=alerts)

    assert named.listens_in(GROUP, TOPIC, {})
    assert not named.listens_in(GROUP, 8, {})
    assert Access.of(admins=[42], alerts=alerts).listens_in(-6, None, {}), "no group was named"


def test_messages_do_not_name_the_first_topic() -> None:
    assert ChatPlace(GROUP, 1).thread is None
    assert ChatPlace(GROUP, TOPIC).thread == TOPIC
