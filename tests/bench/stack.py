"""The sandbox's stack under the benchmarks: brought up, filled, changed, its rows compared."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.bench.contenders import DATABASE, environment_of
from tests.bench.measuring import CHECKOUT, SANDBOX, sandbox_environment
from tests.bench.pipeline import Meter, Used

TABLES = (
    "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
    " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
)
ROWS = "SELECT '{0}', count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {0} t"
ADD = """
CREATE TEMPORARY TABLE more AS
    SELECT * FROM authentik_events_event WHERE hashtext(event_uuid::text || '{0}') % 100 = 0;
UPDATE more SET event_uuid = md5(event_uuid::text || '{0}')::uuid;
INSERT INTO authentik_events_event SELECT * FROM more;
"""
"""One row more for each hundred, at the end of the table that is nearly all of the database."""
CHANGE = (
    "UPDATE authentik_events_event SET"
    " context = jsonb_set(context, '{{message}}', to_jsonb('changed {0}'::text))"
    " WHERE hashtext(event_uuid::text || '{0}') % 100 = 0"
)
"""One row in a hundred, all over that table."""


@dataclass(frozen=True)
class Turn:
    """A fresh S3 server and an empty folder, which one turn of all contenders works with."""

    environment: Mapping[str, str]
    keep: Path
    sink: str

    def run(self, script: str, *containers: str) -> Used:
        """Run one of a contender's scripts under the meter."""
        return Meter(self.environment, containers).run(script)

    def stored(self, bucket: str, folder: str) -> int:
        """The bytes that lie in a bucket, or in a folder below KEEP."""
        if not bucket:
            places = os.walk(self.keep / folder)
            return sum(
                (Path(root) / name).stat().st_size for root, _, names in places for name in names
            )
        with urllib.request.urlopen(f"{self.sink}/{bucket}?list-type=2&max-keys=1000000") as answer:
            found = ET.fromstring(answer.read()).iter()
        return sum(int(each.text or 0) for each in found if each.tag.endswith("}Size"))


def say(line: str) -> None:
    """What is going on, for whoever waits."""
    sys.stderr.write(f"bench: {line}\n")


def up(*options: str) -> dict[str, str]:
    """A stack in its first state, and how to talk to it; the store is each part's own."""
    subprocess.run([SANDBOX / "up", "--fresh", *options], check=True, stdout=subprocess.DEVNULL)
    found = sandbox_environment()
    for name in ("AKBOT_STORE", "AWS_CA_BUNDLE"):  # rclone cannot take the second
        found.pop(name, None)
    found["SANDBOX_STATE"] = str(SANDBOX / ".state")
    found["PATH"] += f":{SANDBOX / '.cache/borgmatic/bin'}"
    return found


def peers() -> None:
    """Have what akbot is measured beside."""
    subprocess.run([CHECKOUT / "tests/bench/peers"], check=True, stdout=subprocess.DEVNULL)


def fill(size: str) -> None:
    """Have at least that much in the database."""
    say(f"filling up to {size}")
    subprocess.run([SANDBOX / "fill", size], check=True, stdout=subprocess.DEVNULL)


@contextmanager
def turn(environment: Mapping[str, str]) -> Iterator[Turn]:
    """What a turn works with; it is gone afterwards."""
    keep = Path(tempfile.mkdtemp(prefix="akbot-bench-"))
    keep.chmod(0o711)  # pgBackRest works as PostgreSQL's user
    try:
        with sink(keep / "sink") as address:
            yield Turn({**environment, **environment_of(address, str(keep))}, keep, address)
    finally:
        shutil.rmtree(keep)


@contextmanager
def sink(folder: Path) -> Iterator[str]:
    """The address of an S3 server of our own, in a process of its own."""
    port_file = folder.with_suffix(".port")
    command = [sys.executable, "-m", "tests.bench.sink", str(folder), str(port_file)]
    process = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        _wait_for(port_file)
        yield f"http://127.0.0.1:{port_file.read_text()}"
    finally:
        process.terminate()
        process.wait()
        port_file.unlink(missing_ok=True)


def _wait_for(file: Path, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not file.exists():
        if time.monotonic() > until:
            sys.exit(f"not within {seconds:.0f} s: {file}")
        time.sleep(0.05)


def sql(
    environment: Mapping[str, str],
    statement: str,
    *,
    database: str = "authentik",
    container: str = DATABASE,
) -> str:
    """What a statement says."""
    command = ["docker", "exec", "-i", container, "psql", "-qAtX", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        [*command, "-U", "authentik", "-d", database],
        input=statement,
        text=True,
        check=True,
        stdout=subprocess.PIPE,
        env=dict(environment),
    )
    return done.stdout.strip()


def rows(
    environment: Mapping[str, str], *, database: str = "authentik", container: str = DATABASE
) -> dict[str, str]:
    """Of each table the number of its rows and one figure of all that stands in them."""
    tables = sql(environment, TABLES, database=database, container=container).splitlines()
    every = " UNION ALL ".join(map(ROWS.format, tables))
    found = sql(environment, every, database=database, container=container)
    return dict(line.split("|", 1) for line in found.splitlines())


def differing(here: Mapping[str, str], there: Mapping[str, str]) -> list[str]:
    """The tables whose rows are not the same."""
    return sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))


def remove(environment: Mapping[str, str], container: str) -> None:
    """Have it gone, with what it kept."""
    command = ["docker", "rm", "--force", "--volumes", container]
    subprocess.run(command, check=True, capture_output=True, env=dict(environment))
