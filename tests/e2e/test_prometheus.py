"""A real Prometheus, with the files of deploy/prometheus, scrapes a real `akbot run`.

Shown here: that it reads what the daemon tells, that the rules match it, and that alerts fire. Only
the times are other ones: how long each rule waits shows `tests/test_alert_rules.py`.
"""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.domain.backup_id import BackupId, created_at
from tests.e2e.akbot import Akbot
from tests.e2e.test_backup import wait_until
from tests.e2e.test_daemon import daemon, free_port
from tests.prometheus import CONFIGURATION, program, rules, write_rules
from tests.sandbox.fixture import Sandbox

pytestmark = pytest.mark.docker


@dataclass
class Prometheus:
    address: str

    def ask(self, path: str, **query: str) -> Any:
        url = f"http://{self.address}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, expression: str) -> float | None:
        """The only sample of *expression*, None where there is none."""
        found = self.ask("api/v1/query", query=expression)["result"]
        assert len(found) <= 1, found
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        alerts = self.ask("api/v1/alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def words_of(self, name: str) -> str:
        alerts = self.ask("api/v1/alerts")["alerts"]
        [found] = [each for each in alerts if each["labels"]["alertname"] == name]
        return str(found["annotations"]["summary"])

    def answers(self) -> bool:
        try:
            return self.value("vector(1)") == 1
        except (OSError, urllib.error.URLError):
            return False


@contextmanager
def prometheus(target: str, place: Path) -> Iterator[Prometheus]:
    """One that looks every five seconds, at *target*, and lets no alert wait."""
    place.mkdir()
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    [scrape] = configuration["scrape_configs"]
    scrape |= {
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "static_configs": [{"targets": [target]}],
    }
    configuration["global"] = {"evaluation_interval": "1s"}
    write_rules(place, [{**each, "for": "0s"} for each in rules()])
    (place / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{free_port()}"
    with (place / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={place / 'prometheus.yml'}",
                f"--storage.tsdb.path={place / 'data'}",
                f"--web.listen-address={address}",
            ],
            cwd=place,
            stdout=log,
            stderr=log,
        )
        try:
            running = Prometheus(address)
            wait_until(running.answers, "Prometheus answers", seconds=60)
            yield running
        finally:
            process.kill()
            process.wait()


def test_prometheus_scrapes_the_daemon_and_its_alerts_fire(
    sandbox: Sandbox, akbot: Akbot, tmp_path: Path
) -> None:
    akbot = akbot.with_settings(AKBOT_STORE=f"file://{tmp_path / 'store'}")
    manifest = akbot.backup()
    planned = {"AKBOT_BACKUP_SCHEDULE": "0 0 1 1 *"}
    with (
        daemon(akbot, **planned) as running,
        prometheus(running.address, tmp_path / "prometheus") as seen,
    ):
        good = created_at(BackupId(manifest["id"])).timestamp()
        last_success = "akbot_backup_last_success_timestamp_seconds"
        wait_until(lambda: seen.value(last_success) == good, "it knows of the backup", seconds=60)
        wait_until(
            lambda: seen.value("sum(akbot_container_up)") == 4, "and of four services", seconds=60
        )
        assert seen.value('up{job="akbot"}') == 1
        assert seen.value("akbot_docker_up") == 1
        assert seen.value("akbot_store_up") == 1
        assert seen.value("akbot_store_backups") == 1
        assert seen.value("akbot_backup_size_bytes") == sum(
            path.stat().st_size for path in (tmp_path / "store").rglob("*") if path.is_file()
        )
        assert seen.value('akbot_job_total{kind="backup",outcome="failed"}') == 0
        assert seen.value("akbot_backup_duration_seconds > 0")
        told = {"AkbotDown", "AkbotBackupFailed", "AkbotBackupTooOld", "AkbotDockerDown"}
        # before the first scrape the bot was missing; a slow machine may fire others for a moment
        wait_until(lambda: not seen.firing() & told, "nothing of it fires")

        (akbot.state / "signing.key").write_text("damaged")
        assert running.akbot("backup").code == 2
        wait_until(lambda: "AkbotBackupFailed" in seen.firing(), "the failure is told", seconds=60)
        assert seen.value('akbot_job_total{kind="backup",outcome="failed"}') == 1
        assert seen.words_of("AkbotBackupFailed") == rules_words("AkbotBackupFailed")

        sandbox.compose("pause", "worker")
        try:
            wait_until(
                lambda: seen.value("akbot_incidents_open") == 1, "the incident is told", seconds=60
            )
        finally:
            sandbox.compose("unpause", "worker")

        assert "AkbotDown" not in seen.firing()
        running.process.kill()
        running.process.wait()
        wait_until(lambda: "AkbotDown" in seen.firing(), "its death is told", seconds=60)


def test_a_dead_mans_switch_that_takes_nothing_fires_its_alert(
    akbot: Akbot, tmp_path: Path
) -> None:
    """The backups are good; what nobody hears of is told by the alert alone."""
    akbot = akbot.with_settings(
        AKBOT_STORE=f"file://{tmp_path / 'store'}",
        AKBOT_HEARTBEAT_URL=f"http://127.0.0.1:{free_port()}/nobody-listens",
    )
    with (
        daemon(akbot, AKBOT_BACKUP_SCHEDULE="* * * * *") as running,
        prometheus(running.address, tmp_path / "prometheus") as seen,
    ):
        failed = 'akbot_heartbeat_total{kind="backup",outcome="failed"}'
        wait_until(lambda: seen.value(failed) == 0, "nothing has failed yet", seconds=60)
        assert "AkbotHeartbeatNotSent" not in seen.firing()
        wait_until(
            lambda: "AkbotHeartbeatNotSent" in seen.firing(),
            "it was tried for a minute, and given up",
            seconds=300,
        )
        assert (seen.value(failed) or 0) >= 1
        assert seen.value('akbot_job_total{kind="backup",outcome="done"} > 0')
        assert seen.value('akbot_job_total{kind="backup",outcome="failed"}') == 0
        words = seen.words_of("AkbotHeartbeatNotSent")
        assert words == "The dead man's switch of the backup did not take what it was told"


def rules_words(name: str) -> str:
    [rule] = [each for each in rules() if each["alert"] == name]
    return str(rule["annotations"]["summary"])
