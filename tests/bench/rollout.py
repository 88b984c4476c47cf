"""Update: downtime and how it ends, by plain Compose and by ours, of a good and a bad version."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from tests.bench import stack
from tests.bench.machine import Conditions
from tests.bench.measuring import Downtime, Timed, timed
from tests.bench.parts import Found, Options, part_of
from tests.bench.results import AWAY, DOWNTIME, OURS, OWN, VERDICT, Part
from tests.bench.update import (
    FAMILY,
    FAULTY,
    OLD,
    PATIENCE,
    ROLLED_BACK,
    SERVICES,
    Bench,
    Parts,
    Watched,
    bench_of,
    of_update,
    of_way_back,
    own_of,
    verdict_in,
)

NAME = "update"
ABOUT = (
    f"From {OLD} to {FAMILY}, which holds, and to {FAULTY}, whose migration drops rows and which"
    " is then never ready. Downtime is of the login page, asked at 10 Hz, from its last answer to"
    " the next one; where none comes it ends when the benchmark stops looking, 60 s after the"
    " command. The stack is put back by hand between. Each version takes 8 s to start; the gate of"
    " ours holds for 2 s. Docker's events and akbot's steps part the time from the last answer, or"
    f' from the verdict, to the next one; "{OWN}" is what is left of it beside the start of the'
    " containers and the copy of the database."
)
PLAIN = "docker compose pull authentik worker && docker compose up -d authentik worker"
BARE = "akbot update --yes --no-rehearsal"
REHEARSED = "akbot update --yes"
EVERY = 0.1
KEPT = "authentik_bench"
REFUSED = 3  # exit code
GOOD_CASE, BAD_CASE = f"{FAMILY}, which holds", f"{FAULTY}, which does not"


@dataclass(frozen=True)
class Away:
    """For how long nobody could log in, the seconds of the command, and how it ended."""

    downtime: float
    command: float
    serves: bool


def measure(options: Options) -> Part:
    """Each way, one after the other."""
    conditions, found = Conditions(), Found()
    environment = stack.up("--repository", "goauthentik/faulty")
    size = options.sizes[0]
    names = (f"goauthentik/server:{FAMILY}", f"goauthentik/faulty:{FAULTY}")
    with bench_of(size, *names) as bench:
        bench.have(FAMILY)
        patient = bench.but(AKBOT_GATE_TIMEOUT="300")
        for number in range(1, options.runs + 1):
            stack.say(f"update: turn {number} of {options.runs}")
            with _put_back(bench):
                _good(found, PLAIN, _plainly(bench, FAMILY))
            for command in (BARE, REHEARSED):
                seen = patient.watch(*command.split(), FAMILY)
                _good(found, command, _away_in(seen))
                if command == BARE:
                    add_parts(found, DOWNTIME, of_update(seen, FAMILY))
                timed(["akbot", "rollback", "--yes", "--no-safety-backup"], patient.environment)
                bench.drop_aside()
                _must_serve()
            with _put_back(bench):
                _bad(found, bench, PLAIN, partial(_plainly, bench, FAULTY))
            for command, code in ((REHEARSED, REFUSED), (BARE, ROLLED_BACK)):
                # One that has not seen it fail yet.
                fresh = bench.but(AKBOT_STATE=f"{bench.environment['AKBOT_STATE']}-{number}-{code}")
                _bad(found, bench, command, partial(_thrown_back, found, fresh, command, code))
                bench.drop_aside()
            conditions.look()
    return part_of(NAME, ABOUT, conditions.seen(environment), found, options)


def _good(found: Found, command: str, away: Away) -> None:
    _add(found, GOOD_CASE, command, away)
    if not away.serves:
        raise SystemExit(f"{command} to {FAMILY} does not serve")


def _bad(found: Found, bench: Bench, command: str, way: Callable[[], Away]) -> None:
    """What is left afterwards is told in words."""
    before = stack.rows(bench.environment)
    away = way()
    _add(found, BAD_CASE, command, away)
    now = stack.rows(bench.environment)
    emptied = [name for name in before if has_rows(before, name) and not has_rows(now, name)]
    page = "answers" if away.serves else "does not answer"
    state = f"all rows of {', '.join(emptied)} are gone" if emptied else "no table is emptied"
    found.note(f"`{command}` to {FAULTY} ends so: the login page {page}; {state}.")


def has_rows(rows: Mapping[str, str], name: str) -> bool:
    """Whether a table is there and not empty."""
    return not rows.get(name, "0|").startswith("0|")


def _add(found: Found, case: str, subject: str, away: Away) -> None:
    found.add(case, subject, "downtime", "s", away.downtime)
    found.add(case, subject, "command", "s", away.command)


def add_parts(found: Found, case: str, parts: Parts) -> None:
    """All of a downtime, and what of it is akbot's own."""
    for part, seconds in {**parts, AWAY: sum(parts.values()), OWN: own_of(parts)}.items():
        found.add(case, OURS, part, "s", seconds)


def _away_in(seen: Watched) -> Away:
    """Of a command after which it serves."""
    downtime = max((end - begin for begin, end in seen.gaps), default=0.0)
    return Away(downtime, seen.done.wall, serves=True)


def _thrown_back(found: Found, bench: Bench, command: str, code: int) -> Away:
    """By akbot to the one that does not hold."""
    seen = bench.watch(*command.split(), FAULTY, code=code)
    if command == BARE:
        add_parts(found, VERDICT, of_way_back(seen, verdict_in(seen)))
    return _away_in(seen)


def _plainly(bench: Bench, tag: str) -> Away:
    """As a person does it: the tag in .env, then both commands."""
    env = bench.project / ".env"
    env.write_text(env.read_text().replace(f"AUTHENTIK_TAG={OLD}", f"AUTHENTIK_TAG={tag}"))
    script = f"cd '{bench.project}' && {PLAIN}"
    return _watch(lambda: timed(["bash", "-c", script], bench.environment))


def _watch(command: Callable[[], Timed]) -> Away:
    """Let it run, and look until it serves or nobody would wait any longer."""
    downtime = Downtime(EVERY)
    with downtime.watched():
        began = time.time()
        done = command()
        serves = _serves_within(PATIENCE)
        ended = time.time()
    seconds = downtime.seconds if serves else ended - max(began, downtime.last_answer)
    return Away(seconds, done.wall, serves)


def _serves_within(seconds: float) -> bool:
    """Whether it answers three times running."""
    page, until, running = Downtime(EVERY), time.monotonic() + seconds, 0
    while time.monotonic() < until:
        running = running + 1 if page.answers() else 0
        if running == 3:
            return True
        time.sleep(EVERY)
    return False


@contextmanager
def _put_back(bench: Bench) -> Iterator[None]:
    """Have the database and the version of before again, by hand."""
    env = bench.project / ".env"
    before = env.read_text()
    bench.compose("rm", "--stop", "--force", *SERVICES)
    bench.sql(f"CREATE DATABASE {KEPT} TEMPLATE authentik")
    bench.compose("up", "--detach", "--wait", *SERVICES)
    _must_serve()
    yield
    bench.compose("rm", "--stop", "--force", *SERVICES)
    bench.sql("DROP DATABASE authentik WITH (FORCE)")
    bench.sql(f"ALTER DATABASE {KEPT} RENAME TO authentik")
    env.write_text(before)
    bench.compose("up", "--detach", "--wait", *SERVICES)
    _must_serve()


def _must_serve() -> None:
    if not _serves_within(PATIENCE):
        raise SystemExit("the stack does not serve")
