"""Measure for how long nobody can log in while an update, or the way back, is gone.

    tests/bench/update [--size 256MiB] [--runs 3]

Downtime is measured from outside: from the last answer of the login page, asked every 100 ms, to
the first one after it. Docker's own events and akbot's steps part it: where the containers were
removed, when the new one was started; from there it is the container's own time. Beside it the same
version is started by hand, with `docker compose up -d` after the tag was changed, in the same turn,
so that the goals can be judged: an update is at most its new containers' own start + 3 s + the copy
of the database, the way back from the verdict at the gate at most the old containers' own start
+ 3 s. "own" is what is left of the downtime without the two. The stack is thrown away and filled
anew, twice, so the machine should have nothing else to do.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.measuring import SANDBOX, Downtime, Timed, sandbox_environment, spread, timed
from tests.bench.results import AWAY, OWN

OLD, PATCH, FAMILY, FAULTY = "2025.2.1", "2025.2.4", "2025.4.4", "2025.4.97"
SERVER, WORKER, REDIS = "authentik", "authentik-worker", "authentik-redis"
SERVICES = ("authentik", "worker")
SQL = (
    "docker",
    "exec",
    "authentik-postgresql",
    "psql",
    "-qAtU",
    "authentik",
    "-d",
    "postgres",
    "-c",
)
EVENTS = ("docker", "events", "--filter", "type=container", "--format", "{{json .}}")
COPYING, COPY, START = "copying the database", "the database is copied", "its own start"
GOING_BACK = "going back to"
ROLLED_BACK = 4  # exit code
GOAL = 3.0
PATIENCE = 60.0
EVERY = 0.1
Figures = dict[str, dict[str, list[float]]]
Parts = Mapping[str, float]
"""Of a downtime, in seconds, in their order; together they are all of it."""


@dataclass
class Witness:
    """What Docker said of containers: (seconds since the epoch, name, action)."""

    environment: Mapping[str, str]
    seen: list[tuple[float, str, str]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take down what happens while the context lasts."""
        process = subprocess.Popen(
            [*EVENTS, "--since", f"{time.time():.3f}"],
            stdout=subprocess.PIPE, text=True, env=dict(self.environment),
        )  # fmt: skip
        thread = threading.Thread(target=self._read, args=(process,))
        thread.start()
        try:
            yield
        finally:
            process.terminate()
            thread.join()
            process.wait()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        for line in process.stdout or ():
            event = json.loads(line)
            name = event["Actor"]["Attributes"].get("name", "")
            self.seen.append((event["timeNano"] / 1e9, name, event["Action"]))

    def last(self, action: str, before: float, *names: str) -> float:
        """When that happened last before a moment."""
        return max(
            at for at, name, what in self.seen if what == action and name in names and at < before
        )

    def between(self, action: str, after: float, before: float, *names: str) -> list[float]:
        """When that happened, from one moment to the other."""
        found = (at for at, name, what in self.seen if what == action and name in names)
        return sorted(at for at in found if after < at < before)


@dataclass(frozen=True)
class Watched:
    """A command, and what was seen of it from outside."""

    done: Timed
    gaps: Sequence[tuple[float, float]]
    witness: Witness

    def line(self, words: str, after: float = 0.0) -> float:
        """When it told of that, the first time after a moment."""
        told = ((self.done.began + at, line) for at, line in self.done.lines)
        return next(at for at, line in told if line.startswith(words) and at >= after)

    @property
    def gap(self) -> tuple[float, float]:
        """The last one: of several hops, that of the last."""
        return self.gaps[-1]


@dataclass(frozen=True)
class Bench:
    """A stack and how akbot is called on it."""

    environment: Mapping[str, str]

    @property
    def project(self) -> Path:
        return Path(self.environment["SANDBOX_PROJECT"])

    def but(self, **settings: str) -> "Bench":
        """The same stack with other settings."""
        return Bench({**self.environment, **settings})

    def watch(self, *command: str, code: int = 0) -> Watched:
        """Run a command to its end under everybody's eyes."""
        downtime, witness = Downtime(EVERY), Witness(self.environment)
        with witness.listening(), downtime.watched():
            done = timed(command, self.environment, code)
            self._let_it_serve()
        return Watched(done, downtime.gaps, witness)

    def _let_it_serve(self) -> None:
        watching, until = Downtime(EVERY), time.monotonic() + PATIENCE
        while not watching.answers():
            if time.monotonic() > until:
                sys.exit(f"the stack does not serve, {PATIENCE:g} s after the command")
            time.sleep(EVERY)
        time.sleep(3 * EVERY)  # whoever else watches has seen it too

    def by_hand(self, tag: str) -> float:
        """Start a version as a person would, and go back; its server's own time to start."""
        keep, env = f"{SERVER}_bench", self.project / ".env"
        before = env.read_text()
        self.compose("rm", "--stop", "--force", *SERVICES)
        self.sql(f"CREATE DATABASE {keep} TEMPLATE authentik")
        env.write_text(before.replace(f"AUTHENTIK_TAG={OLD}", f"AUTHENTIK_TAG={tag}"))
        seconds = self._start_alone()
        self.compose("rm", "--stop", "--force", *SERVICES)
        self.sql("DROP DATABASE authentik WITH (FORCE)")
        self.sql(f"ALTER DATABASE {keep} RENAME TO authentik")
        env.write_text(before)
        self.compose("up", "--detach", *SERVICES)
        self._let_it_serve()
        return seconds

    def _start_alone(self) -> float:
        """From the start of the server's container to its first answer, with nobody around."""
        seen = self.watch(*self._in_project, "up", "--detach", *SERVICES)
        end = seen.gap[1]
        return end - seen.witness.last("start", end, SERVER)

    @property
    def _in_project(self) -> Sequence[str]:
        return ("env", "--chdir", str(self.project), "docker", "compose")

    def compose(self, *arguments: str) -> None:
        """Run Compose in the project's folder."""
        timed([*self._in_project, *arguments], self.environment)

    def sql(self, statement: str) -> str:
        """What a statement says."""
        return timed([*SQL, statement], self.environment).output

    def drop_aside(self) -> None:
        """What a rollback keeps of the newer version."""
        names = self.sql("SELECT datname FROM pg_database WHERE datname LIKE 'authentik\\_%'")
        for name in names.split():
            self.sql(f'DROP DATABASE "{name}" WITH (FORCE)')

    def have(self, tag: str) -> None:
        """A good version under the name of the repository of faulty ones."""
        registry = self.environment["SANDBOX_REGISTRY"]
        source, target = (f"{registry}/goauthentik/{name}:{tag}" for name in ("server", "faulty"))
        for command in (["pull", source], ["tag", source, target], ["push", target]):
            timed(["docker", *command], self.environment)


def main() -> None:
    """Bring up, fill, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="256MiB")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    figures: Figures = defaultdict(lambda: defaultdict(list))
    subprocess.run([SANDBOX / "up", "--fresh"], check=True)
    with bench_of(arguments.size, f"goauthentik/server:{PATCH}") as bench:
        for turn in range(1, arguments.runs + 1):
            sys.stderr.write(f"turn {turn} of {arguments.runs}: a patch\n")
            there_and_back(bench, PATCH, figures)
    subprocess.run([SANDBOX / "up", "--fresh", "--repository", "goauthentik/faulty"], check=True)
    names = (f"goauthentik/server:{FAMILY}", f"goauthentik/faulty:{FAULTY}")
    with bench_of(arguments.size, *names) as bench:
        bench.have(FAMILY)
        for turn in range(1, arguments.runs + 1):
            sys.stderr.write(f"turn {turn} of {arguments.runs}: a family\n")
            there_and_back(bench, FAMILY, figures)
            there_and_thrown_back(bench, figures)
    print(report(arguments.size, figures))


@contextmanager
def bench_of(size: str, *images: str) -> Iterator[Bench]:
    """The stack that is up, filled, with these images in its registry."""
    subprocess.run([SANDBOX / "fill", size], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([SANDBOX / "standins", *images], check=True, stdout=subprocess.DEVNULL)
    folder = Path(tempfile.mkdtemp(prefix="akbot-bench-"))
    own = {
        "AKBOT_STORE": f"file://{folder}/store",
        "AKBOT_STATE": f"{folder}/state",
        "AKBOT_RELEASE_FEED": "off",
        "AKBOT_UPDATE_MINIMUM_AGE": "0",
        "AKBOT_GATE_STABLE": "2",
        "AKBOT_GATE_TIMEOUT": "30",
    }
    try:
        yield Bench({**sandbox_environment(), **own})
    finally:
        shutil.rmtree(folder)


def there_and_back(bench: Bench, tag: str, figures: Figures) -> None:
    """Each way by hand and by akbot."""
    alone = bench.by_hand(tag)
    seen = bench.watch("akbot", "update", "--yes", "--no-rehearsal", tag)
    add(figures[f"update to {tag}"], of_update(seen, tag), alone)
    seen = bench.watch("akbot", "rollback", "--yes", "--no-safety-backup")
    bench.drop_aside()
    parts = of_way_back(seen, seen.gap[0])
    add(figures[f"rollback from {tag}"], parts, bench.by_hand(OLD))


def there_and_thrown_back(bench: Bench, figures: Figures) -> None:
    """A version that does not hold: what counts is the time from the verdict."""
    seen = bench.watch("akbot", "update", "--yes", "--no-rehearsal", FAULTY, code=ROLLED_BACK)
    bench.drop_aside()
    parts = of_way_back(seen, verdict_in(seen))
    add(figures[f"from the verdict on {FAULTY}"], parts, bench.by_hand(OLD))


def verdict_in(seen: Watched) -> float:
    """When a version was found not to hold."""
    return seen.line(f"{GOING_BACK} {OLD}")


def of_update(seen: Watched, tag: str) -> Parts:
    """The parts of an update's downtime."""
    begin, end = seen.gap
    started = seen.witness.last("start", end, SERVER)
    marks = {
        "containers stop": seen.witness.last("destroy", started, SERVER, WORKER),
        "until it is copied": seen.line(COPYING, begin),
        COPY: seen.line("setting AUTHENTIK_TAG", begin),
        "tag, removed once more": seen.line(f"starting {tag}", begin),
        "Compose starts": started,
        START: end,
    }
    return between(begin, marks)


def of_way_back(seen: Watched, begin: float) -> Parts:
    """The parts of the time from *begin* until the version before serves again.

    Redis is stopped as soon as it is known what moved, and only where the database is swapped.
    """
    end, witness = seen.gap[1], seen.witness
    started = witness.last("start", end, SERVER)
    gone = witness.last("destroy", started, SERVER, WORKER)
    asked = witness.between("kill", begin, gone, SERVER, WORKER) or [begin]
    stopped = witness.between("die", gone, started, REDIS)
    again = witness.between("start", gone, started, REDIS)
    marks = {
        "until they are asked to stop": asked[0],
        "containers stop": gone,
        **({"what moved is read": stopped[0]} if stopped else {}),
        **({"Redis is down": again[0]} if again else {}),
        "Compose creates": witness.last("create", started, SERVER),
        "they are started": started,
        START: end,
    }
    return between(begin, dict(sorted(marks.items(), key=lambda mark: mark[1])))


def between(begin: float, marks: Mapping[str, float]) -> Parts:
    """Seconds from mark to mark."""
    before, seconds = begin, {}
    for part, at in marks.items():
        seconds[part] = at - before
        before = at
    return seconds


def own_of(parts: Parts) -> float:
    """What is left without the containers' own start and the copy of the database."""
    return sum(parts.values()) - parts[START] - parts.get(COPY, 0.0)


def add(figures: dict[str, list[float]], parts: Parts, alone: float) -> None:
    """The parts, and what they come to beside the goal."""
    away = sum(parts.values())
    goal = alone + GOAL + parts.get(COPY, 0.0)
    told = {
        AWAY: away,
        "its own start, by hand": alone,
        "goal": goal,
        OWN: own_of(parts),
        "of the goal": away / goal,
    }
    for part, value in {**parts, **told}.items():
        figures[part].append(value)


def report(size: str, figures: Figures) -> str:
    """Medians with their spread."""
    lines = [f"\n{size}: seconds, median (least to most)"]
    for name, parts in figures.items():
        lines += [
            name,
            *(f"  {part:32}{spread(all_, '{:.2f}'.format)}" for part, all_ in parts.items()),
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
