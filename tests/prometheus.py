"""Debian's Prometheus, unpacked and not installed."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
RULES = ROOT / "deploy/prometheus/alerts.yml"
CONFIGURATION = ROOT / "deploy/prometheus/prometheus.yml"


def program(name: str) -> Path:
    """`prometheus` or `promtool`; fetched if it is missing."""
    script = ROOT / "tests/sandbox/prometheus"
    done = subprocess.run([script], check=True, stdout=subprocess.PIPE, text=True)
    return Path(done.stdout.strip()) / name


def rules() -> list[dict[str, Any]]:
    """The alerts, as they are."""
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def write_rules(place: Path, changed: list[dict[str, Any]]) -> Path:
    """A copy of the rules, which a test has changed."""
    file = place / "alerts.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "akbot", "rules": changed}]}))
    return file
