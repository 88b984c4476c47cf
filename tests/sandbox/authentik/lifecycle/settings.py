"""The only reader of the environment: Authentik's own variables, and how long a start takes."""

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a container was started with."""

    postgresql: dict[str, str]
    redis_host: str
    redis_port: int
    redis_db: int
    redis_password: str | None
    secret_key: str
    bootstrap_email: str
    bootstrap_password: str
    http: tuple[str, int]
    https: tuple[str, int]
    metrics: tuple[str, int]
    start_seconds: float
    runtime_folder: Path

    def pause(self, share: float) -> None:
        """Spend *share* of the start-up time, so that downtime means something."""
        time.sleep(self.start_seconds * share)

    @property
    def mode_file(self) -> Path:
        """Where `ak healthcheck` reads whether this is a server or a worker (§1.2)."""
        return self.runtime_folder / "authentik-mode"

    @property
    def pid_file(self) -> Path:
        """Where a Dramatiq worker says which process it is (§1.2)."""
        return self.runtime_folder / "authentik-worker.pid"

    @property
    def heartbeat_file(self) -> Path:
        """What a Celery worker touches while it lives (§1.2)."""
        return self.runtime_folder / "authentik-worker"


def read_settings() -> Settings:
    """Read the environment."""
    return Settings(
        postgresql={
            "host": _get("POSTGRESQL__HOST", "localhost"),
            "port": _get("POSTGRESQL__PORT", "5432"),
            "dbname": _get("POSTGRESQL__NAME", "authentik"),
            "user": _get("POSTGRESQL__USER", "authentik"),
            "password": _get("POSTGRESQL__PASSWORD", ""),
        },
        redis_host=_get("REDIS__HOST", "localhost"),
        redis_port=int(_get("REDIS__PORT", "6379")),
        redis_db=int(_get("REDIS__DB", "0")),
        redis_password=_get("REDIS__PASSWORD", "") or None,
        secret_key=_get("SECRET_KEY", ""),
        bootstrap_email=_get("BOOTSTRAP_EMAIL", "") or "root@example.com",
        bootstrap_password=_get("BOOTSTRAP_PASSWORD", ""),
        http=_address(_get("LISTEN__HTTP", "0.0.0.0:9000")),
        https=_address(_get("LISTEN__HTTPS", "0.0.0.0:9443")),
        metrics=_address(_get("LISTEN__METRICS", "0.0.0.0:9300")),
        start_seconds=float(os.environ.get("AUTHENTIK_STANDIN_START_SECONDS", "8")),
        runtime_folder=Path(os.environ.get("TMPDIR", "/dev/shm")),
    )


def _get(name: str, default: str) -> str:
    return os.environ.get(f"AUTHENTIK_{name}", default)


def _address(text: str) -> tuple[str, int]:
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)
