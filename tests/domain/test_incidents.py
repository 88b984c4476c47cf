"""What people hear of containers: each thing once, its cause first, and never nothing."""

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.incident import (
    AROUND,
    MOMENTARY,
    Closed,
    Incident,
    News,
    Opened,
    Reminded,
    Renamed,
    Rules,
    Seen,
    Trouble,
)
from bot.domain.incident_watch import Watch
from bot.domain.incidents import (
    Step,
    advance,
    hush,
    is_urgent,
    keep,
    mute,
    observe,
    resumed,
)
from bot.domain.mute import Mute

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
DATABASE, REDIS, SERVER, WORKER = "postgresql", "redis", "authentik", "worker"
NEEDED = frozenset({DATABASE, REDIS})
RULES = Rules(depends={SERVER: NEEDED, WORKER: NEEDED})
SERVICES = [DATABASE, REDIS, SERVER, WORKER]
T = Trouble


@dataclass
class Story:
    """What happens, second by second, and what people hear of it."""

    watch: Watch = field(default_factory=Watch)
    now: datetime = START
    news: list[News] = field(default_factory=list)

    def __post_init__(self) -> None:
        for service in SERVICES:
            self.sees(service)

    def _take(self, step: Step) -> None:
        self.watch, news = step
        self.news += news

    def sees(self, service: str, trouble: Trouble | None = None, detail: str = "") -> None:
        seen = Seen(service, self.now, trouble, detail)
        self._take(observe(self.watch, seen, self.now, RULES))

    def keeps(self, *services: str) -> None:
        self._take(keep(self.watch, frozenset(services), self.now, RULES))

    def hushes(self, *, quiet: bool) -> None:
        self._take(hush(self.watch, self.now, RULES, quiet=quiet))

    def mutes(self, **length: float) -> None:
        muted = Mute(self.now, self.now + timedelta(**length))
        self._take(mute(self.watch, muted, self.now, RULES))

    def passes(self, seconds: float = 0, **length: float) -> None:
        """The watcher looks at the clock every second; here as often as something may change."""
        end = self.now + timedelta(seconds=seconds, **length)
        while self.now < end:
            self.now = min(self.now + timedelta(seconds=5), end)
            self._take(advance(self.watch, self.now, RULES))

    @property
    def told(self) -> list[str]:
        return [_words(each) for each in self.news if not isinstance(each, Renamed)]


def _words(news: News) -> str:
    match news:
        case Opened(incident, absorbed):
            gone = "".join(f", explains {each.root}" for each in absorbed)
            return f"{incident.root} {incident.trouble}{gone}"
        case Closed(incident, is_here=False, left=left):
            return f"{incident.root} belongs to it no more, left {sorted(left)}"
        case Closed(incident, _, _, left):
            others = "".join(f" +{each}" for each in sorted(incident.others))
            still = "".join(f", left {each}" for each in sorted(left))
            return f"{incident.root}{others} well after {news.lasted.seconds} s{still}"
        case Reminded(incident):
            return f"{incident.root} still, {incident.reminders}"
        case Renamed(incident):
            return f"{incident.name} is {incident.root}"


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.mark.parametrize(
    "trouble", [T.CRASHED, T.OUT_OF_MEMORY, T.PAUSED, T.UNHEALTHY], ids=lambda each: each.value
)
def test_what_is_never_on_purpose_opens_at_once_and_closes_once_it_held(
    story: Story, trouble: Trouble
) -> None:
    story.sees(WORKER, trouble)
    assert story.told == [f"worker {trouble}"]
    story.passes(90)
    story.sees(WORKER)
    story.passes(25)
    assert len(story.news) == 1
    story.passes(10)

    assert story.told[1:] == ["worker well after 90 s"]


@pytest.mark.parametrize(
    ("trouble", "patience"), [(T.STOPPED, 15), (T.MISSING, 15), (T.STARTING, 300)]
)
def test_what_a_restart_looks_like_must_last(
    story: Story, trouble: Trouble, patience: float
) -> None:
    story.sees(WORKER, trouble)
    story.passes(patience - 1)
    story.sees(WORKER)
    story.passes(60)
    assert story.told == []
    story.sees(WORKER, trouble)
    story.passes(patience)

    assert story.told == [f"worker {trouble}"]


@pytest.mark.parametrize(
    ("trouble", "began"), [(T.UNHEALTHY, timedelta()), (T.CPU, timedelta(days=3))]
)
def test_an_outage_begins_with_what_it_explains_but_not_with_a_warning(
    story: Story, trouble: Trouble, began: timedelta
) -> None:
    story.sees(SERVER, trouble)
    story.passes(days=3)
    story.sees(DATABASE, T.CRASHED)

    opened = story.news[-1]
    assert isinstance(opened, Opened)
    assert [each.root for each in opened.absorbed] == [SERVER]
    assert opened.incident.began == START + began


@pytest.mark.parametrize("trouble", sorted(MOMENTARY), ids=lambda each: each.value)
@pytest.mark.parametrize("earlier", [T.STARTING, T.STOPPED, *sorted(MOMENTARY)])
def test_what_happened_at_a_moment_began_then_whatever_was_before(
    story: Story, trouble: Trouble, earlier: Trouble
) -> None:
    story.mutes(minutes=10)
    story.sees(WORKER, earlier)
    story.passes(100)
    story.sees(WORKER, T.STARTING)
    story.passes(100)
    story.sees(WORKER, trouble)
    story.passes(100)
    story.sees(WORKER, T.STARTING)
    story.sees(WORKER, trouble)
    story.passes(minutes=10)

    [opened] = [each for each in story.news if isinstance(each, Opened)]
    first = START if trouble is earlier else START + timedelta(seconds=200)
    assert (opened.incident.trouble, opened.incident.began) == (trouble, first)


def test_the_patience_counts_from_the_first_trouble(story: Story) -> None:
    story.sees(WORKER, T.STOPPED)
    story.passes(10)
    story.sees(WORKER, T.MISSING)
    story.passes(5)

    assert story.told == ["worker missing"]


def test_a_restart_loop_is_one_incident_with_a_count(story: Story) -> None:
    for _ in range(20):
        story.sees(WORKER, T.CRASHED)
        story.passes(1)
        story.sees(WORKER)
        story.passes(9)
    story.passes(60)

    assert story.told == ["worker crashed", "worker well after 191 s"]
    assert story.news[-1].incident.flaps == 19


def test_what_only_changes_its_trouble_has_not_broken_again(story: Story) -> None:
    story.sees(WORKER, T.UNHEALTHY)
    story.sees(WORKER, T.CRASHED)
    assert story.watch.open[WORKER].flaps == 0
    story.sees(WORKER, T.STARTING)
    assert story.watch.open[WORKER].flaps == 0
    story.sees(WORKER, T.CRASHED)
    assert story.watch.open[WORKER].flaps == 1


def test_one_that_never_becomes_healthy_in_between_counts_as_well(story: Story) -> None:
    for _ in range(5):
        story.sees(WORKER, T.CRASHED)
        story.sees(WORKER, T.STARTING)
        story.passes(10)

    assert story.told == ["worker crashed"]
    assert story.watch.open[WORKER].flaps == 4


def test_one_that_comes_and_goes_is_told_less_and_less(story: Story) -> None:
    for _ in range(60):
        story.sees(WORKER, T.CRASHED)
        story.passes(1)
        story.sees(WORKER)
        story.passes(60)

    assert len(story.news) <= 6


def test_what_depends_on_the_database_is_no_alarm_of_its_own(story: Story) -> None:
    story.sees(DATABASE, T.CRASHED)
    story.passes(20)
    story.sees(SERVER, T.UNHEALTHY)
    story.sees(WORKER, T.CRASHED)
    story.passes(40)
    story.sees(DATABASE)
    story.passes(20)
    story.sees(WORKER)
    story.sees(SERVER)
    story.passes(40)

    assert story.told == [
        "postgresql crashed",
        "postgresql +authentik +worker well after 80 s",
    ]


def test_each_of_several_is_told_by_its_name(story: Story) -> None:
    story.keeps(DATABASE, REDIS, SERVER)
    for each in ("worker-1", "worker-2"):
        story.sees(each)
    story.sees("worker-2", T.CRASHED)
    story.passes(90)
    story.sees("worker-2")
    story.passes(40)

    assert story.told == ["worker-2 crashed", "worker-2 well after 90 s"]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        pytest.param(
            ["worker-1", "worker-2"],
            ["worker crashed", "worker-1 well after 90 s"],
            id="the first of them is the one that was alone",
        ),
        pytest.param(
            ["worker-10", "worker-9"],
            ["worker crashed", "worker-9 well after 90 s"],
            id="another one has a higher number",
        ),
        pytest.param(
            ["workers-1", "worker-x"],
            ["worker crashed", "worker belongs to it no more, left []"],
            id="others",
        ),
        pytest.param(
            ["worker", "worker-2"],
            ["worker crashed", "worker well after 90 s"],
            id="it is called so still",
        ),
    ],
)
def test_an_incident_goes_on_under_the_name_that_scaling_gives(
    story: Story, names: Sequence[str], told: Sequence[str]
) -> None:
    story.sees(WORKER, T.CRASHED)
    story.passes(60)
    story.keeps(DATABASE, REDIS, SERVER, *names)
    for each in names:
        story.sees(each, T.CRASHED if told[1].startswith(f"{each} ") else None)
    story.passes(30)
    for each in names:
        story.sees(each)
    story.passes(60)

    assert story.told == told
    assert {each.incident.name for each in story.news} == {WORKER}


def test_a_new_name_is_news_once_for_whatever_holds_it(story: Story) -> None:
    story.sees(WORKER, T.CRASHED)
    story.sees(DATABASE, T.CRASHED)
    story.sees(SERVER, T.CRASHED)
    heard = len(story.news)
    for _ in range(2):
        story.keeps(DATABASE, REDIS, "authentik-1", "authentik-2", WORKER)
    story.keeps(DATABASE, REDIS, "authentik-1", "authentik-2", "worker-1", "worker-2")

    renamed = [each.incident for each in story.news[heard:]]
    assert [(each.root, sorted(each.others)) for each in renamed] == [
        (DATABASE, ["authentik-1", WORKER]),
        (DATABASE, ["authentik-1", "worker-1"]),
    ]
    assert all(isinstance(each, Renamed) for each in story.news[heard:])


def test_all_that_is_known_of_one_that_was_alone_is_known_of_it_under_its_new_name(
    story: Story,
) -> None:
    for trouble in (T.CRASHED, None, T.CRASHED):
        story.sees(WORKER, trouble)
        story.passes(31)
    story.keeps(DATABASE, REDIS, SERVER, "worker-1", "worker-2")
    story.sees("worker-1")
    story.passes(50)
    assert len(story.told) == 3, "it settles longer, as it broke again"
    story.passes(10)
    assert story.told[3:] == ["worker-1 well after 31 s"]
    story.sees("worker-1", T.PAUSED)
    story.keeps(DATABASE, REDIS, SERVER)

    assert [each.incident.name for each in story.news[-2:]] == ["worker-1"] * 2


def test_one_that_was_alone_is_still_part_of_the_incident_of_its_cause(story: Story) -> None:
    story.sees(DATABASE, T.CRASHED)
    story.sees(WORKER, T.UNHEALTHY)
    story.keeps(DATABASE, REDIS, SERVER, "worker-1", "worker-2")

    assert story.watch.open[DATABASE].others == {"worker-1"}
    assert story.watch.views["worker-1"].trouble is T.UNHEALTHY
    assert WORKER not in story.watch.views


def test_each_of_several_depends_on_what_their_service_does(story: Story) -> None:
    story.keeps(DATABASE, REDIS, SERVER)
    story.sees("worker-1")
    story.sees("worker-2", T.UNHEALTHY)
    story.sees(DATABASE, T.CRASHED)
    story.sees("worker-1", T.UNHEALTHY)

    assert story.told == ["worker-2 unhealthy", "postgresql crashed, explains worker-2"]
    assert story.watch.open[DATABASE].others == {"worker-1", "worker-2"}


def test_what_depends_on_a_service_depends_on_each_of_several() -> None:
    rules = Rules(depends={"the public URL": frozenset({SERVER, DATABASE})})
    known = ["authentik-1", "authentik-12", "authentik-x", "worker-1", "postgresql", "other"]

    needed = rules.needs("the public URL", known)

    assert needed == ("authentik-1", "authentik-12", "postgresql")


def test_a_cause_that_is_seen_later_explains_what_was_told(story: Story) -> None:
    story.sees(SERVER, T.UNHEALTHY)
    story.passes(5)
    story.sees(WORKER, T.UNHEALTHY)
    story.sees(DATABASE, T.PAUSED)

    assert story.told == [
        "authentik unhealthy",
        "worker unhealthy",
        "postgresql paused, explains authentik, explains worker",
    ]
    assert list(story.watch.open) == [DATABASE]


def test_an_incident_lasts_as_long_as_its_cause(story: Story) -> None:
    story.sees(DATABASE, T.UNHEALTHY)
    story.sees(WORKER, T.UNHEALTHY)
    story.sees(WORKER)
    story.passes(minutes=20)

    assert story.told == ["postgresql unhealthy"]


def test_what_stays_down_when_its_cause_is_gone_is_told(story: Story) -> None:
    story.sees(DATABASE, T.CRASHED)
    story.sees(WORKER, T.UNHEALTHY)
    story.passes(60)
    story.sees(DATABASE)
    story.passes(185)

    assert story.told == [
        "postgresql crashed",
        "postgresql +worker well after 60 s, left worker",
        "worker unhealthy",
    ]


@pytest.mark.parametrize("needed", sorted(NEEDED))
@pytest.mark.parametrize(
    "trouble",
    [T.STOPPED, T.UNHEALTHY, T.CRASHED, T.RESTARTING, T.STARTING],
    ids=lambda each: each.value,
)
@pytest.mark.parametrize("rises_after", [40, 250])
def test_what_waits_for_a_slow_start_is_no_alarm(
    story: Story, trouble: Trouble, needed: str, rises_after: float
) -> None:
    story.sees(SERVER, T.STOPPED)
    story.sees(WORKER, T.STOPPED)
    story.passes(8)
    story.sees(needed, T.STARTING)
    story.sees(SERVER, trouble)
    story.sees(WORKER, trouble)
    story.passes(rises_after)
    story.sees(needed)
    story.passes(5)
    story.sees(SERVER, T.STARTING)
    story.sees(WORKER, T.STARTING)
    story.passes(100)
    story.sees(SERVER)
    story.sees(WORKER)
    story.passes(60)

    assert story.told == []


@pytest.mark.parametrize(
    ("trouble", "patience"),
    [(T.STOPPED, 15), (T.STARTING, 300), (T.CRASHED, 180), (T.UNHEALTHY, 180)],
)
def test_what_a_slow_start_leaves_down_is_told_once_it_had_time_to_follow(
    story: Story, trouble: Trouble, patience: float
) -> None:
    story.sees(DATABASE, T.STARTING)
    story.sees(WORKER, trouble)
    story.passes(200)
    story.sees(DATABASE)
    story.passes(patience - 1)
    assert story.told == []
    story.passes(1)

    assert story.told == [f"worker {trouble}"]


def test_what_breaks_after_a_slow_start_has_another_cause(story: Story) -> None:
    story.sees(DATABASE, T.STARTING)
    story.passes(60)
    story.sees(DATABASE)
    story.passes(1)
    story.sees(WORKER, T.CRASHED)

    assert story.told == ["worker crashed"]


@pytest.mark.parametrize(
    ("end", "told"),
    [
        pytest.param(T.STARTING, "postgresql still starting", id="it takes too long"),
        pytest.param(T.UNHEALTHY, "postgresql unhealthy", id="its check fails"),
        pytest.param(T.CRASHED, "postgresql crashed", id="it ends"),
    ],
)
@pytest.mark.parametrize("trouble", [T.STOPPED, T.UNHEALTHY, T.CRASHED, T.STARTING])
def test_a_start_that_comes_to_nothing_is_the_one_alarm(
    story: Story, trouble: Trouble, end: Trouble, told: str
) -> None:
    story.sees(SERVER, T.STOPPED)
    story.sees(WORKER, T.STOPPED)
    story.passes(10)
    story.sees(DATABASE, T.STARTING)
    story.sees(SERVER, trouble)
    story.sees(WORKER, trouble)
    story.passes(299)
    story.sees(DATABASE, end)
    story.passes(30)

    assert story.told == [told]
    assert story.watch.open[DATABASE].others == {SERVER, WORKER}


@pytest.mark.parametrize("trouble", [T.PAUSED, T.OUT_OF_MEMORY, T.CONNECTIONS])
def test_what_no_slow_start_does_to_others_waits_for_none(story: Story, trouble: Trouble) -> None:
    story.sees(DATABASE, T.STARTING)
    story.sees(WORKER, trouble)

    assert story.told == [f"worker {trouble}"]


def test_what_is_part_of_what_was_told_waits_for_no_start(story: Story) -> None:
    story.sees(DATABASE, T.CRASHED)
    story.sees(REDIS, T.STARTING)
    story.sees(SERVER, T.UNHEALTHY)
    story.sees(REDIS)
    story.sees(WORKER, T.UNHEALTHY)

    assert story.told == ["postgresql crashed"]
    assert story.watch.open[DATABASE].others == {SERVER, WORKER}


def test_a_mute_moves_the_patience_with_what_follows_a_slow_start(story: Story) -> None:
    story.mutes(minutes=4)
    story.sees(DATABASE, T.STARTING)
    story.sees(WORKER, T.UNHEALTHY)
    story.passes(230)
    story.sees(DATABASE)
    story.passes(175)
    assert story.told == []
    story.passes(5)

    assert story.told == ["worker unhealthy"]


def test_what_waits_for_one_that_waits_itself_waits_with_it() -> None:
    site = "the public URL"
    rules = replace(RULES, depends={**RULES.depends, site: NEEDED | {SERVER}})
    watch, told = Watch(), list[str]()
    for seconds, name, trouble in (
        (0, DATABASE, T.STARTING),
        (0, SERVER, T.UNHEALTHY),
        (60, DATABASE, None),
        (70, site, T.UNREACHABLE),
        (239, REDIS, None),
        (240, REDIS, None),
    ):
        now = START + timedelta(seconds=seconds)
        watch, news = observe(watch, Seen(name, now, trouble), now, rules)
        told += [f"{seconds} {_words(each)}" for each in news]

    assert told == ["240 authentik unhealthy"]
    assert watch.open[SERVER].others == {site}


def test_a_store_that_starts_over_and_over_hides_no_other_for_ever(story: Story) -> None:
    story.sees(WORKER, T.UNHEALTHY)
    assert story.told == ["worker unhealthy"]
    story.sees(WORKER)
    story.passes(60)
    story.sees(DATABASE, T.STARTING)
    story.sees(WORKER, T.UNHEALTHY)
    for _ in range(11):
        story.passes(50)
        story.sees(DATABASE)
        story.passes(10)
        story.sees(DATABASE, T.STARTING)

    assert story.told[2:] == ["worker unhealthy"]


def test_what_belongs_to_the_stack_no_more_ends_its_incident_and_holds_no_other(
    story: Story,
) -> None:
    story.sees(DATABASE, T.CRASHED)
    story.sees(WORKER, T.UNHEALTHY)
    story.sees(REDIS, T.MISSING)
    story.sees(SERVER, T.UNHEALTHY)
    story.passes(20)
    story.keeps(DATABASE, SERVER, WORKER)
    story.sees(DATABASE)
    story.keeps(DATABASE, SERVER)
    story.passes(60)
    story.sees(SERVER)
    story.passes(60)

    assert story.told == [
        "postgresql crashed",
        "redis missing",
        "redis belongs to it no more, left []",
        "postgresql +authentik well after 80 s",
    ]
    assert set(story.watch.views) == {DATABASE, SERVER}


def test_what_was_held_by_one_that_is_gone_is_told_by_itself(story: Story) -> None:
    story.sees(REDIS, T.PAUSED)
    story.sees(WORKER, T.CRASHED)
    story.keeps(DATABASE, SERVER, WORKER)

    assert story.told == [
        "redis paused",
        "redis belongs to it no more, left ['worker']",
        "worker crashed",
    ]


def test_a_job_of_ours_may_restart_what_it_likes(story: Story) -> None:
    story.hushes(quiet=True)
    for service in SERVICES:
        story.sees(service, T.MISSING)
    story.passes(600)
    for service in SERVICES:
        story.sees(service)
    story.hushes(quiet=False)
    story.passes(600)

    assert story.told == []


def test_what_a_job_leaves_down_is_told_after_it(story: Story) -> None:
    story.hushes(quiet=True)
    story.sees(WORKER, T.STOPPED)
    story.passes(600)
    story.hushes(quiet=False)
    assert story.told == []
    story.passes(15)

    assert story.told == ["worker stopped"]


@pytest.mark.parametrize("is_mute", [True, False], ids=["mute", "job or pause"])
def test_the_cause_of_what_a_silence_leaves_down_is_told_alone(
    story: Story, *, is_mute: bool
) -> None:
    if is_mute:
        story.mutes(minutes=10)
    else:
        story.hushes(quiet=True)
    story.sees(DATABASE, T.STOPPED)
    story.sees(SERVER, T.UNHEALTHY)
    story.sees(WORKER, T.UNHEALTHY)
    story.passes(minutes=10)
    story.hushes(quiet=False)
    story.passes(60)

    assert story.told == ["postgresql stopped"]
    assert story.watch.open[DATABASE].others == {SERVER, WORKER}


def test_what_was_told_before_a_job_is_closed_in_it(story: Story) -> None:
    story.sees(WORKER, T.CRASHED)
    story.hushes(quiet=True)
    story.sees(WORKER)
    story.passes(40)

    assert story.told == ["worker crashed", "worker well after 0 s"]


def test_while_muted_nothing_opens_and_afterwards_what_lasts_does(story: Story) -> None:
    story.mutes(hours=2)
    story.sees(WORKER, T.CRASHED)
    story.sees(REDIS, T.CRASHED)
    story.passes(hours=1)
    story.sees(REDIS)
    assert story.told == []
    story.passes(hours=1)

    assert story.told == ["worker crashed"]


def test_a_mute_lasts_no_longer_where_the_clock_is_set_back(story: Story) -> None:
    story.mutes(hours=2)
    story.sees(WORKER, T.CRASHED)
    story.passes(hours=1, minutes=59)
    story.now -= timedelta(hours=10)
    story.passes(55)
    assert story.told == []
    story.passes(10)

    assert story.told == ["worker crashed"]


def test_reminders_back_off(story: Story) -> None:
    story.sees(WORKER, T.PAUSED)
    hours = []
    for hour in range(80):
        before = len(story.news)
        story.passes(hours=1)
        hours += [hour + 1] * (len(story.news) - before)

    assert hours == [1, 6, 30, 54, 78]
    assert story.told[-1] == "worker still, 5"


@pytest.mark.parametrize("why", ["mute", "job or pause", "jump of the clock"])
def test_reminders_that_fell_due_meanwhile_are_one(story: Story, why: str) -> None:
    story.sees(WORKER, T.PAUSED)
    if why == "mute":
        story.mutes(days=7)
    elif why == "job or pause":
        story.hushes(quiet=True)
    story.passes(60)
    story.now = START + timedelta(days=7)
    story.hushes(quiet=False)
    story.passes(hours=5)
    assert story.told == ["worker paused", "worker still, 8"]
    story.passes(hours=2)

    assert story.told[2:] == ["worker still, 9"], "the next one comes when it would have come"


def test_the_image_of_before_and_of_after_are_known(story: Story) -> None:
    seen = Seen(WORKER, START, T.CRASHED, "exit code 1", "sha256:old")
    story.watch, _ = observe(story.watch, seen, START, RULES)
    well = Seen(WORKER, START + timedelta(seconds=9), None, "", "sha256:new")
    story.watch, _ = observe(story.watch, well, well.at, RULES)
    story.now = well.at
    story.passes(40)

    (closed,) = story.news
    assert isinstance(closed, Closed)
    assert (closed.incident.image, closed.image) == ("sha256:old", "sha256:new")
    assert closed.incident.detail == "exit code 1"


def test_a_clock_that_is_set_back_does_not_silence_anything(story: Story) -> None:
    story.sees(WORKER, T.STOPPED)
    story.now -= timedelta(days=1)
    story.passes(20)
    assert story.told == ["worker stopped"]
    story.now -= timedelta(days=1)
    story.sees(WORKER)
    story.passes(40)

    assert story.told[1:] == ["worker well after 0 s"]


def test_a_clock_that_is_set_back_makes_no_recovery_late(story: Story) -> None:
    for hours in range(6):
        story.now = START + timedelta(hours=2 * hours)
        story.sees(WORKER, T.CRASHED)
        story.sees(WORKER)
        story.passes(40)
    story.now -= timedelta(days=1)
    story.sees(WORKER, T.CRASHED)
    story.sees(WORKER)
    story.passes(40)

    assert len(story.told) == 14
    assert story.told[-1] == "worker well after 0 s"
    story.now = START + timedelta(hours=10, minutes=5)
    story.sees(WORKER, T.CRASHED)
    story.sees(WORKER)
    story.passes(40)
    assert story.told[-1] == "worker well after 0 s"
    assert len(story.told) == 16, "it did not break again within the hour"


def test_what_is_told_late_began_then_and_moves_nothing_else(story: Story) -> None:
    story.sees(REDIS, T.PAUSED)
    story.passes(60)
    late = Seen(DATABASE, story.now - timedelta(seconds=90), T.CRASHED)
    story.watch, news = observe(story.watch, late, story.now, RULES)

    (opened,) = news
    assert (opened.incident.began, opened.incident.opened) == (late.at, story.now)
    assert story.watch.open[REDIS].began == START
    early = Seen(SERVER, story.now + timedelta(seconds=5), T.STOPPED)
    story.watch, _ = observe(story.watch, early, story.now, RULES)
    assert story.watch.views[SERVER].since == story.now, "the Engine's clock may go before ours"


def test_an_incident_keeps_its_name_when_the_clock_is_set_back_and_is_still_reminded_of(
    story: Story,
) -> None:
    story.sees(WORKER, T.PAUSED)
    story.now -= timedelta(days=1)
    story.passes(hours=1, seconds=5)

    assert story.told == ["worker paused", "worker still, 1"]
    assert {each.incident.opened for each in story.news} == {START}


def test_ten_thousand_events_in_a_minute_are_one_message_and_cost_nothing(story: Story) -> None:
    sizes = set[int]()
    for number in range(10_000):
        story.now = START + number * timedelta(milliseconds=6)
        trouble = (T.CRASHED, T.STARTING, None)[number % 3]
        story.sees(SERVICES[number % 2], trouble)
        if number % 1000 == 999:
            sizes.add(len(pickle.dumps(story.watch)))

    assert story.told == ["postgresql crashed", "redis crashed"]
    assert max(sizes) - min(sizes) < 100
    flaps = sum(each.flaps for each in story.watch.open.values())
    assert flaps > 3000, "each was counted"


TIMES = st.floats(-30, 400).map(lambda seconds: timedelta(seconds=seconds))
TROUBLES = st.sampled_from([None, None, *Trouble])


@dataclass(frozen=True)
class Sees:
    service: str
    trouble: Trouble | None
    late: timedelta


@dataclass(frozen=True)
class Waits:
    length: timedelta


@dataclass(frozen=True)
class Hushes:
    quiet: bool


@dataclass(frozen=True)
class Mutes:
    length: timedelta


@dataclass(frozen=True)
class Boots:
    """Another process takes up what the journal has, and looks."""


@dataclass(frozen=True)
class Scales:
    """Another worker is started beside the one that was alone."""


Action = Sees | Waits | Hushes | Mutes | Boots | Scales
SEES = st.builds(Sees, st.sampled_from(SERVICES), TROUBLES, TIMES)
OTHERS = [
    *(st.builds(Waits, TIMES), st.builds(Hushes, st.booleans()), st.builds(Mutes, TIMES)),
    *(st.builds(Boots), st.builds(Scales)),
]
ACTIONS: st.SearchStrategy[list[Action]] = st.lists(st.one_of(SEES, SEES, *OTHERS), max_size=60)


@dataclass
class Fate:
    """Whatever happens, with what is down by now and what people believe is."""

    watch: Watch = field(default_factory=Watch)
    now: datetime = START
    told: dict[str, Incident] = field(default_factory=dict)
    seen: dict[str, Trouble | None] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=lambda: {each: each for each in SERVICES})

    def does(self, action: Action) -> None:
        match action:
            case Sees(service, trouble, late):
                self._sees(self.called[service], trouble, late)
            case Waits(length):
                self.now += length
                self.take(advance(self.watch, self.now, RULES))
            case Hushes(quiet):
                self.take(hush(self.watch, self.now, RULES, quiet=quiet))
            case Mutes(length):
                self.take(mute(self.watch, Mute(self.now, self.now + length), self.now, RULES))
            case Boots():
                self.watch = resumed(Watch(), self.told.values())
                for name, trouble in self.seen.items():
                    self._sees(name, trouble)
            case Scales():
                self.called[WORKER] = "worker-1"
                self.seen = {self.called.get(name, name): each for name, each in self.seen.items()}
                here = frozenset({*self.called.values(), "worker-2"})
                self.take(keep(self.watch, here, self.now, RULES))

    def _sees(self, name: str, trouble: Trouble | None, late: timedelta = timedelta()) -> None:
        self.seen[name] = trouble
        self.take(observe(self.watch, Seen(name, self.now - late, trouble), self.now, RULES))

    def take(self, step: Step) -> None:
        """Openings and closings must alternate, each under the same name."""
        self.watch, news = step
        told = self.told
        for each in news:
            match each:
                case Opened(incident, absorbed):
                    assert incident.root not in told
                    for gone in absorbed:
                        assert told.pop(gone.root).opened == gone.opened
                    told[incident.root] = incident
                case Closed(incident, left=left):
                    assert incident.root not in left
                    assert told.pop(incident.root).opened == incident.opened
                case Reminded(incident):
                    assert told[incident.root].opened == incident.opened
                case Renamed(incident):
                    before = told.pop(incident.name)
                    assert (before.name, before.opened) == (incident.name, incident.opened)
                    told[incident.root] = incident
        assert set(told) == set(self.watch.open)

    @property
    def down(self) -> set[str]:
        return {service for service, trouble in self.seen.items() if trouble}


@settings(max_examples=400)
@given(ACTIONS)
def test_openings_and_closings_alternate_and_nothing_that_is_down_is_kept_silent(
    actions: Sequence[Action],
) -> None:
    fate = Fate()
    for action in actions:
        fate.does(action)

    for wait in (timedelta(seconds=401), timedelta(minutes=5)):  # every mute, every patience
        fate.now += wait
        fate.does(Hushes(quiet=False))
    held = [each.members for each in fate.watch.open.values()]
    assert fate.down <= frozenset().union(*held)

    fate.does(Waits(timedelta(days=1)))
    for incident in fate.watch.open.values():
        assert incident.members & fate.down, "what is well again is closed"
    for service in fate.down:
        assert fate.watch.holder(service)


@settings(max_examples=400)
@given(
    st.sampled_from([each for each in Trouble if each not in AROUND]),
    st.lists(st.tuples(st.sampled_from(sorted(NEEDED)), TROUBLES, TIMES), max_size=60),
)
def test_one_that_is_down_is_kept_silent_for_a_bounded_time_whatever_it_needs_does(
    trouble: Trouble, changes: Sequence[tuple[str, Trouble | None, timedelta]]
) -> None:
    """The patience with a start, the time to follow, its own patience."""
    watch, now, longest = Watch(), START, timedelta(minutes=13)
    watch, _ = observe(watch, Seen(WORKER, now, trouble), now, RULES)
    for name, other, wait in changes:
        now += max(wait, timedelta())
        watch, _ = observe(watch, Seen(name, now, other), now, RULES)
        watch, _ = advance(watch, now, RULES)
        if now - START >= longest:
            assert watch.holder(WORKER)


def incident(root: str, trouble: Trouble, *others: str) -> Incident:
    return Incident(
        root=root,
        trouble=trouble,
        detail="exit code 1",
        image="server:1",
        began=START - timedelta(minutes=1),
        opened=START,
        others=frozenset(others),
    )


def test_what_was_open_before_a_restart_is_known_again() -> None:
    down, full = incident(DATABASE, T.CRASHED, SERVER), incident("disk", T.DISK)
    before, _ = observe(Watch(), Seen(REDIS, START), START, RULES)

    watch = resumed(before, [down, full])

    assert watch.open == {DATABASE: down, "disk": full}
    assert watch.counted == {DATABASE: START, "disk": START}
    assert {name: view.trouble for name, view in watch.views.items()} == {
        REDIS: None,
        DATABASE: T.CRASHED,
        SERVER: T.CRASHED,
        "disk": T.DISK,
    }
    assert {(each.since, each.detail, each.image) for each in watch.views.values()} == {
        (START, "", ""),
        (down.began, "exit code 1", "server:1"),
    }


@pytest.mark.parametrize(
    ("incidents", "seen", "after", "urgent"),
    [
        pytest.param([], Seen(WORKER, START), timedelta(), False, id="all is well"),
        pytest.param([], Seen(WORKER, START, T.STARTING), timedelta(), True, id="not told yet"),
        pytest.param(
            [incident(WORKER, T.CRASHED)], Seen(SERVER, START), timedelta(), True, id="told, down"
        ),
        pytest.param(
            [incident("disk", T.DISK)],
            Seen(SERVER, START),
            timedelta(hours=23, minutes=59),
            False,
            id="a warning that lasts",
        ),
        pytest.param(
            [incident("disk", T.DISK)],
            Seen(SERVER, START),
            timedelta(days=1),
            True,
            id="its reminder is due",
        ),
        pytest.param(
            [incident("disk", T.DISK)],
            Seen(WORKER, START, T.CRASHED),
            timedelta(),
            True,
            id="a warning that lasts, and something else",
        ),
    ],
)
def test_whether_it_matters_who_restarts_things(
    incidents: list[Incident], seen: Seen, after: timedelta, *, urgent: bool
) -> None:
    patient = Rules(depends={}, patience={T.STARTING: timedelta(days=9), T.CRASHED: timedelta(9)})
    watch, _ = observe(resumed(Watch(), incidents), seen, START, patient)

    assert is_urgent(watch, START + after, patient) is urgent
