"""What readings of the surroundings mean, and how often they must be bad until it is told."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.answered_pages import format_answered, parse_answered
from bot.domain.backup_id import BackupId
from bot.domain.container_state import DOCKER, STACK, watch_rules
from bot.domain.incident import AROUND, WARNINGS, Incident, Opened, Rules, Seen, Trouble
from bot.domain.incident_watch import Watch
from bot.domain.incidents import observe
from bot.domain.incidents_around import of_containers_alone, without_gone
from bot.domain.jobs import PARTIAL, Job, JobKind, JobState, Trigger
from bot.domain.known_images import KnownImages, format_images, parse_images
from bot.domain.known_images import settle as settle_images
from bot.domain.stack import Role
from bot.domain.surroundings import (
    Certificate,
    Connections,
    DiskRoom,
    Heartbeat,
    ImageInUse,
    Page,
    Surroundings,
    Usage,
)
from bot.domain.surroundings_grades import Grade, Graded, Limits, grades, kinds_in
from bot.domain.surroundings_subjects import PUBLIC_URL, is_around, with_surroundings
from bot.domain.surroundings_verdict import BAD_LOOKS, Extent, Looks, Verdict, judge

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
T, GB = Trouble, 1_000_000_000
NAMES = {Role.POSTGRESQL: ["db"], Role.REDIS: ["redis"], Role.SERVER: ["web"], Role.WORKER: ["w"]}
RUNS = ImageInUse("web", "a:1", "sha256:11", "a:1", "sha256:11")
KNOWN = KnownImages(NOW, {"web": ("a:1", "sha256:11")})


def memory(share: float) -> Surroundings:
    used = int(share * 2 * GB)
    return Surroundings(at=NOW, usage=(Usage("w", None, None, used, 2 * GB),))


def cpu(cores: float | None) -> Surroundings:
    return Surroundings(at=NOW, usage=(Usage("w", cores, 2.0, 0, None),))


def disk(used: float, free: float) -> Surroundings:
    return Surroundings(at=NOW, disks=(DiskRoom("/srv", int(used * GB), int(free * GB)),))


def sessions(used: int, most: int = 100) -> Surroundings:
    return Surroundings(at=NOW, connections=Connections("db", used, most))


def silence(**length: float) -> Surroundings:
    return Surroundings(at=NOW, heartbeat=Heartbeat("w", timedelta(**length)))


def page(status: int | None, why: str = "") -> Surroundings:
    return Surroundings(at=NOW, public=Page("https://a.example/", status, why))


def expiring(**left: float) -> Surroundings:
    return Surroundings(at=NOW, certificate=Certificate("a.example", NOW + timedelta(**left)))


def image(**changes: str | None) -> Surroundings:
    return Surroundings(at=NOW, images=(replace(RUNS, **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(memory(0.89), "memory of w: well", id="memory"),
        pytest.param(memory(0.93), "memory of w: between", id="memory, where it was"),
        pytest.param(memory(0.96), "memory of w: bad (1.9 GB of 2.0 GB)", id="memory, much"),
        pytest.param(cpu(1.2), "CPU of w: well", id="cpu"),
        pytest.param(cpu(1.95), "CPU of w: bad (1.9 of 2 cores)", id="cpu, all"),
        pytest.param(cpu(None), "CPU of w: between", id="cpu, before there is a figure"),
        pytest.param(disk(50, 50), "disk of /srv: well", id="disk"),
        pytest.param(disk(89, 11), "disk of /srv: between", id="disk, where it was"),
        pytest.param(disk(91, 9), "disk of /srv: bad (91% used, 9.0 GB free)", id="disk, full"),
        pytest.param(disk(9500, 500), "disk of /srv: well", id="disk, large"),
        pytest.param(disk(979, 21), "disk of /srv: between", id="disk, large, nearly full"),
        pytest.param(disk(981, 19), "disk of /srv: bad (98% used, 19.0 GB free)", id="disk, both"),
        pytest.param(sessions(80), "connection limit of db: between", id="sessions, at the edge"),
        pytest.param(sessions(79), "connection limit of db: well", id="sessions"),
        pytest.param(sessions(85), "connection limit of db: between", id="sessions, some"),
        pytest.param(
            sessions(90), "connection limit of db: bad (90 of 100 are in use)", id="sessions, many"
        ),
        pytest.param(
            sessions(0, 0), "connection limit of db: bad (it takes no more sessions)", id="refused"
        ),
        pytest.param(silence(seconds=40), "heartbeat of w: well", id="heartbeat"),
        pytest.param(cpu(1.85), "CPU of w: between", id="cpu, where it was"),
        pytest.param(disk(9700, 20), "disk of /srv: between", id="disk, large, just enough"),
        pytest.param(disk(9700, 22), "disk of /srv: well", id="disk, large, a tenth more"),
        pytest.param(silence(minutes=2), "heartbeat of w: between", id="heartbeat, just late"),
        pytest.param(silence(seconds=119), "heartbeat of w: well", id="heartbeat, just in time"),
        pytest.param(
            silence(minutes=10),
            "heartbeat of w: bad (it has not reported for 10 min)",
            id="heartbeat, just gone",
        ),
        pytest.param(
            silence(minutes=90),
            "heartbeat of w: bad (it has not reported for 90 min)",
            id="heartbeat, long gone",
        ),
        pytest.param(page(399), "the public URL: well", id="page, just no error"),
        pytest.param(page(400), "the public URL: bad (it answers 400)", id="page, just an error"),
        pytest.param(expiring(days=14), "certificate of a.example: well", id="certificate, edge"),
        pytest.param(
            expiring(),
            "certificate of a.example: bad (it has expired at 2026-11-24 12:00 UTC)",
            id="certificate, now",
        ),
        pytest.param(silence(minutes=3), "heartbeat of w: between", id="heartbeat, late"),
        pytest.param(
            silence(minutes=11),
            "heartbeat of w: bad (it has not reported for 11 min)",
            id="heartbeat, none",
        ),
        pytest.param(page(200), "the public URL: well", id="page"),
        pytest.param(page(302), "the public URL: well", id="page, elsewhere"),
        pytest.param(page(403), "the public URL: well", id="page, of one that dislikes robots"),
        pytest.param(page(404), "the public URL: bad (it answers 404)", id="page, gone"),
        pytest.param(page(502), "the public URL: bad (it answers 502)", id="page, no backend"),
        pytest.param(page(None), "the public URL: bad (it does not answer)", id="page, silent"),
        pytest.param(page(None, "no name"), "the public URL: bad (no name)", id="page, why"),
        pytest.param(expiring(days=15), "certificate of a.example: well", id="certificate"),
        pytest.param(
            expiring(days=13),
            "certificate of a.example: bad (it expires at 2026-12-07 12:00 UTC)",
            id="certificate, soon",
        ),
        pytest.param(
            expiring(days=-1),
            "certificate of a.example: bad (it has expired at 2026-11-23 12:00 UTC)",
            id="certificate, over",
        ),
        pytest.param(
            image(), "configured image of web: well; image of web: well", id="image as before"
        ),
        pytest.param(
            image(wanted="a:2", wanted_id=None),
            "configured image of web: bad (a:1 runs, the next “docker compose up -d” would start"
            " a:2); image of web: well",
            id="another tag in .env",
        ),
        pytest.param(
            image(wanted_id="sha256:22"),
            "configured image of web: bad (11 runs, but a:1 is 22 on this host, which the next"
            " “docker compose up -d” would start); image of web: well",
            id="pulled under the same tag",
        ),
        pytest.param(
            image(wanted_id=None),
            "configured image of web: well; image of web: well",
            id="its name is gone",
        ),
        pytest.param(
            image(id="sha256:33", wanted_id="sha256:33"),
            "configured image of web: well; image of web: bad (it was a:1 (11) and is a:1 (33),"
            " which no job of akbot did)",
            id="changed behind our back",
        ),
    ],
)
def test_what_a_reading_means(seen: Surroundings, expected: str) -> None:
    found = [*grades(seen, KNOWN, Limits(), NOW)]

    assert "; ".join(map(_words, found)) == expected


def _words(graded: Graded) -> str:
    detail = f" ({graded.detail})" if graded.grade is Grade.BAD else ""
    return f"{graded.subject}: {graded.grade.value}{detail}"


@pytest.mark.parametrize("status", [200, 502])
def test_a_page_is_told_with_its_address(status: int) -> None:
    [graded] = grades(page(status), KNOWN, Limits(), NOW)

    assert graded.place == "https://a.example/"


def test_without_a_limit_nothing_can_be_near_it() -> None:
    unlimited = Usage("w", 8.0, None, 100 * GB, None)
    old = Heartbeat("w", None)  # before 2025.8

    [beats] = grades(Surroundings(at=NOW, usage=(unlimited,), heartbeat=old), None, Limits(), NOW)

    assert beats.grade is Grade.WELL


def test_a_disk_without_room_for_anybody_is_not_full() -> None:
    assert [DiskRoom("/srv", 0, 0).share, DiskRoom("/srv", 1, 0).share] == [0, 1]


def test_what_around_the_containers_cannot_work_without_what() -> None:
    depends = with_surroundings(watch_rules(NAMES), NAMES).depends
    stores = {DOCKER, STACK, "db", "redis"}

    assert depends["ready check of web"] == stores | {"web"}
    assert depends["heartbeat of w"] == stores | {"w"}
    assert depends["connection limit of db"] == {DOCKER, STACK, "db"}
    assert depends[PUBLIC_URL] == stores | {"web", "ready check of web"}


def test_what_is_not_seen_is_of_no_kind() -> None:
    assert kinds_in(Surroundings(at=NOW)) == frozenset()
    assert kinds_in(memory(1)) == {T.MEMORY, T.CPU}
    assert kinds_in(image()) == {T.IMAGE, T.DRIFT}


PATIENT = BAD_LOOKS[T.MEMORY]
_GRADES = {"b": Grade.BAD, "w": Grade.WELL, "-": Grade.BETWEEN}


def _course(course: str, trouble: Trouble) -> Sequence[str]:
    """What is told at each look: each sign one look, "?" one that failed, "." one not tried."""
    looks, told = Looks(), []
    for number, sign in enumerate(course):
        tried = frozenset({trouble} if sign != "." else ())
        extent = Extent(tried, tried if sign in _GRADES else frozenset())
        graded = [Graded("it", trouble, _GRADES[sign], sign)] if sign in _GRADES else []
        at = NOW + timedelta(minutes=number)
        looks, verdict = judge(looks, graded, extent, at)
        told += [_told(each) for each in verdict.seen] or ["nothing"]
    return told


def _told(seen: Seen) -> str:
    return f"since {seen.at.minute}" if seen.trouble else "well"


@pytest.mark.parametrize(
    ("course", "trouble", "last"),
    [
        pytest.param("b", T.CERTIFICATE, "since 0", id="what cannot be wrong is told at once"),
        pytest.param("bbbb", T.MEMORY, "nothing", id="four looks are no finding"),
        pytest.param("bbbbb", T.MEMORY, "since 0", id="five are"),
        pytest.param("bbwbbbb", T.MEMORY, "nothing", id="a good one begins anew"),
        pytest.param("bbbb-b", T.MEMORY, "nothing", id="so does one between"),
        pytest.param("bbbbb-", T.MEMORY, "nothing", id="between, it lasts"),
        pytest.param("bbbbb-b", T.MEMORY, "since 0", id="and goes on"),
        pytest.param("bbbbbw", T.MEMORY, "well", id="one good look ends it"),
        pytest.param("bbbb?b", T.MEMORY, "nothing", id="a look that fails is no finding"),
        pytest.param("bbbb.b", T.MEMORY, "since 0", id="one not tried says nothing"),
        pytest.param("bbbbb?b", T.MEMORY, "since 0", id="what is told outlasts a failure"),
        pytest.param("bbbb", T.UNREACHABLE, "nothing", id="a page that never answered"),
        pytest.param("wbb", T.UNREACHABLE, "nothing", id="two looks at a page are no finding"),
        pytest.param("wbbb", T.UNREACHABLE, "since 1", id="three are"),
        pytest.param("wbwbwb", T.UNREACHABLE, "nothing", id="three that are not in a row"),
        pytest.param("wbbwbbb", T.UNREACHABLE, "since 4", id="the row begins after the good one"),
        pytest.param("wbbbw", T.UNREACHABLE, "nothing", id="one good look at it is no end"),
        pytest.param("wbbbwb", T.UNREACHABLE, "since 1", id="as it comes and goes"),
        pytest.param("wbbbww", T.UNREACHABLE, "well", id="two are"),
        pytest.param("wbbbw-w", T.UNREACHABLE, "nothing", id="but in a row"),
        pytest.param("wbbbwwbb", T.UNREACHABLE, "nothing", id="after the end it begins anew"),
    ],
)
def test_how_often_it_must_be_so(course: str, trouble: Trouble, last: str) -> None:
    assert _course(course, trouble)[-1] == last


def test_each_finding_of_a_look_is_told_with_what_was_seen() -> None:
    graded = [Graded(each, T.CERTIFICATE, Grade.BAD, f"{each} expires") for each in ("a", "b")]
    kinds = frozenset({T.CERTIFICATE})

    _, verdict = judge(Looks(), graded, Extent(kinds, kinds), NOW)

    assert verdict.seen == tuple(
        Seen(each, NOW, T.CERTIFICATE, f"{each} expires") for each in ("a", "b")
    )


@pytest.mark.parametrize(
    ("jobs", "is_known"),
    [
        pytest.param([], False, id="nobody"),
        pytest.param([("backup", "done", 1, 2)], True, id="a backup of it"),
        pytest.param([("backup", "failed", 1, 2)], False, id="a backup that failed"),
        pytest.param([("backup", "done", -1, 2)], False, id="a backup from before it"),
        pytest.param([("backup", "done", 0, 2)], False, id="a backup that began with the look"),
        pytest.param([("backup", "done", 1, 3)], True, id="a backup that ends now"),
        pytest.param([("update", "done", -1, 0)], False, id="an update that ended with the look"),
        pytest.param([("backup of media", "done", 1, 2)], False, id="a backup of a part"),
        pytest.param([("update", "done", -1, 2)], True, id="an update"),
        pytest.param([("restore", "failed", -1, 2)], True, id="a restore that was taken back"),
        pytest.param([("update", "done", -3, -1)], False, id="an update long ago"),
        pytest.param([("update", "running", -1, None)], False, id="an update that is not done"),
        pytest.param([("drill", "done", 1, 2)], False, id="a drill"),
    ],
)
def test_an_image_is_known_where_a_job_has_made_or_saved_it(
    jobs: Sequence[tuple[str, str, int, int | None]], *, is_known: bool
) -> None:
    changed = replace(RUNS, id="sha256:33")
    made = [
        Job(
            id=BackupId("20261124T120000Z-aaaa"),
            kind=JobKind(kind.partition(" ")[0]),
            trigger=Trigger.CLI,
            actor="root",
            plan={PARTIAL: "yes"} if " " in kind else {},
            state=JobState(state),
            started=NOW + timedelta(hours=start),
            ended=None if end is None else NOW + timedelta(hours=end),
        )
        for kind, state, start, end in jobs
    ]

    known = settle_images(KNOWN, [changed], made, NOW + timedelta(hours=3))

    assert (known.change_of(changed) == "") is is_known


def test_an_image_is_told_by_the_beginning_of_its_id() -> None:
    now = replace(RUNS, id="sha256:" + "0123456789abcdef" * 4)

    assert KNOWN.change_of(now) == "it was a:1 (11) and is a:1 (0123456789ab)"


def test_what_is_not_seen_stays_known() -> None:
    other = replace(RUNS, service="w")
    backup = finished(NOW + timedelta(hours=1))

    known = settle_images(KNOWN, [other], [backup], NOW + timedelta(hours=9))

    assert set(known.images) == {"web", "w"}


def finished(started: datetime) -> Job:
    return Job(
        id=BackupId("20261124T120000Z-aaaa"),
        kind=JobKind.BACKUP,
        trigger=Trigger.CLI,
        actor="root",
        state=JobState.DONE,
        started=started,
        ended=started + timedelta(minutes=5),
    )


def test_a_clock_that_was_ahead_keeps_no_job_from_vouching_later() -> None:
    ahead, hour = NOW + timedelta(days=365), timedelta(hours=1)
    changed = replace(RUNS, id="sha256:33")
    then = finished(ahead - hour)
    known = settle_images(replace(KNOWN, at=ahead), [changed], [then], NOW)
    assert known == KNOWN, "nor does a job of that time vouch"

    known = settle_images(known, [changed], [then, finished(NOW + hour)], NOW + 2 * hour)
    assert known == KnownImages(NOW + 2 * hour, {"web": ("a:1", "sha256:33")})


def test_the_first_look_and_new_services_are_known() -> None:
    assert settle_images(None, [RUNS], [], NOW) == KNOWN
    more = settle_images(KNOWN, [RUNS, replace(RUNS, service="w")], [], NOW + timedelta(hours=1))
    assert more == KnownImages(NOW, {**KNOWN.images, "w": ("a:1", "sha256:11")})


def test_known_images_survive_their_file() -> None:
    assert parse_images(format_images(KNOWN)) == KNOWN


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"at": "x", "images": {}}', b"\xff"])
def test_a_damaged_file_is_none(data: bytes) -> None:
    with pytest.raises(ValueError, match="not what akbot writes"):
        parse_images(data)


def test_pages_that_answered_survive_their_file() -> None:
    pages = {PUBLIC_URL: "https://a.example/", "ready check of web": "web"}
    assert parse_answered(format_answered(pages)) == pages


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"answered": ["x"]}', b"\xff"])
def test_another_file_tells_of_no_pages(data: bytes) -> None:
    with pytest.raises(ValueError, match="not what akbot writes"):
        parse_answered(data)


def rules() -> Rules:
    return with_surroundings(watch_rules(NAMES), NAMES)


def test_what_follows_from_a_container_is_part_of_its_incident() -> None:
    watch, _ = observe(Watch(), Seen("web", NOW, T.CRASHED), NOW, rules())
    for each in ("ready check of web", PUBLIC_URL):
        watch, news = observe(watch, Seen(each, NOW, T.UNREACHABLE), NOW, rules())
        assert news == ()
    assert watch.open["web"].others == {"ready check of web", PUBLIC_URL}

    _, [opened] = observe(watch, Seen("disk of /srv", NOW, T.DISK), NOW, rules())
    assert isinstance(opened, Opened)


def test_a_cause_that_is_seen_later_explains_what_was_told() -> None:
    watch, [told] = observe(Watch(), Seen(PUBLIC_URL, NOW, T.UNREACHABLE), NOW, rules())
    assert isinstance(told, Opened)
    _, [news] = observe(watch, Seen("ready check of web", NOW, T.NOT_READY), NOW, rules())

    assert isinstance(news, Opened)
    assert [each.root for each in news.absorbed] == [PUBLIC_URL]


def test_names_of_containers_are_none_of_the_surroundings() -> None:
    assert [is_around(each) for each in ("web", DOCKER, STACK, PUBLIC_URL, "disk of /srv")] == [
        *(False, False, False, True, True)
    ]


def test_warnings_are_repeated_seldom() -> None:
    incident = Incident(root="x", trouble=T.DISK, detail="", image="", began=NOW, opened=NOW)
    due = [rules().reminded_after(replace(incident, reminders=each)).days for each in range(3)]
    outage = replace(incident, trouble=T.UNREACHABLE)

    assert due == [1, 8, 15]
    assert rules().reminded_after(outage) == timedelta(hours=1)
    assert WARNINGS < AROUND


def test_what_is_gone_is_watched_no_more() -> None:
    watch = Watch()
    for subject, trouble in [("disk of /a", T.DISK), ("memory of w", T.MEMORY), ("w", T.CRASHED)]:
        watch, _ = observe(watch, Seen(subject, NOW, trouble), NOW, rules())

    kept = without_gone(watch, Verdict((), frozenset({T.DISK}), frozenset()))
    assert kept == {"memory of w", "w"}
    kept = without_gone(watch, Verdict((), frozenset({T.DISK}), frozenset({"disk of /a"})))
    assert "disk of /a" in kept
    well, _ = observe(Watch(), Seen("disk of /b", NOW), NOW, rules())
    assert without_gone(well, Verdict((), frozenset(), frozenset())) == {"disk of /b"}


def test_after_a_restart_an_incident_holds_containers_alone() -> None:
    incident = Incident(
        root="web",
        trouble=T.CRASHED,
        detail="",
        image="",
        began=NOW,
        opened=NOW,
        others=frozenset({PUBLIC_URL, "w"}),
    )

    assert of_containers_alone(incident).others == {"w"}
