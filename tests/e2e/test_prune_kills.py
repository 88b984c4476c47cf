"""SIGKILL at each step of a prune: every backup is whole or gone, and the newest one is whole."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.contracts.s3_proxy import Answer, DroppedError, Forward, Proxy, Request
from tests.e2e.aftermath import in_bucket, untouched
from tests.e2e.akbot import Akbot
from tests.e2e.test_faults import prefix, proxy, to_s3
from tests.e2e.test_kills import kill
from tests.sandbox.fixture import Sandbox
from tests.thorough import THOROUGH

__all__ = ["prefix", "proxy", "to_s3"]

pytestmark = pytest.mark.docker

NEWEST_ONLY = {
    "AKBOT_RETENTION_LAST": "1",
    "AKBOT_RETENTION_DAILY": "1",
    "AKBOT_RETENTION_WEEKLY": "0",
    "AKBOT_RETENTION_MONTHLY": "0",
    "AKBOT_STORE_TIMEOUT": "60",
    "AKBOT_STORE_OUTAGE": "60",
}


@dataclass
class Held:
    """Keeps a request waiting; the deletion is *done* or not when its client dies."""

    done: bool
    begun: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def __call__(self, _: Request, forward: Forward) -> Answer:
        if self.done:
            forward()
        self.begun.set()
        self.over.wait()
        raise DroppedError

    @contextmanager
    def until_the_end(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.over.set()


@THOROUGH
def test_killed_at_each_deletion_every_backup_is_whole_or_gone(
    filled: Sandbox, to_s3: Akbot, proxy: Proxy, prefix: str
) -> None:
    """At the manifest, which commits a deletion, before and after it is carried out; at the last
    object; and at the first one of the next backup."""
    akbot = to_s3.with_settings(**NEWEST_ONLY)
    with untouched(filled):
        first, second, third, newest = whole = [akbot.backup()["id"] for _ in range(4)]
        objects = in_sets(filled, prefix)[newest]

        def killed(number: int, *, done: bool, at: str, come_to: str) -> None:
            """Die at the deletion of that *number*, of the backup *at*; the next one settles it."""
            held = Held(done)
            with held.until_the_end():
                proxy.fail("delete", held, skip=number)
                process = akbot.start("prune")
                assert held.begun.wait(60), f"deletion {number} does not begin"
                assert f"/{at}/" in proxy.seen("delete")[-1].target
                kill(process)
            proxy.rules.clear()
            akbot.backup("--component", "templates")  # settles it; a part takes nobody's place
            jobs = json.loads(akbot.ok("jobs", "--json"))
            job = next(job for job in jobs if job["kind"] == "prune")
            assert (job["state"], job["swept"]) == ("interrupted", True), job
            assert f"it had come to {come_to}" in job["message"]
            found = in_sets(filled, prefix)
            sizes = {name: size for name, size in found.items() if name in whole}
            assert sizes == dict.fromkeys(left, objects)

        left = {first, second, third, newest}
        killed(0, done=False, at=first, come_to="1 of 3")
        left = {second, third, newest}
        killed(len(objects), done=False, at=second, come_to="2 of 3")
        left = {third, newest}
        killed(0, done=True, at=second, come_to="1 of 2")
        left = {newest}
        killed(len(objects) - 1, done=False, at=third, come_to="1 of 1")

        akbot.ok("prune")
        akbot.ok("verify", newest)


def in_sets(sandbox: Sandbox, prefix: str) -> dict[str, set[str]]:
    """The backups as an ordinary client sees them: the names of their objects, by id."""
    sets: dict[str, set[str]] = {}
    for key in in_bucket(sandbox, prefix):
        backup_id, name = key.split("/")[-2:]
        sets.setdefault(backup_id, set()).add(name)
    return sets
