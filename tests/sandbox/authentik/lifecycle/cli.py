"""``ak``: each command is a function of its own module, which is loaded only when asked for."""

import os
import signal
import sys
from importlib import import_module
from types import FrameType

from .settings import read_settings

COMMANDS = {
    "server": "server.serve",
    "worker": "worker.work",
    # Of the images goauthentik/proxy, whose own command is another.
    "outpost": "outpost.serve",
    "healthcheck": "healthcheck.check",
    # Django's migrations alone, without the lock and the system migrations (§7).
    "migrate": "django_migrations.migrate",
    # Django's version, not Authentik's: the trap of §2.
    "version": "version.print_django_version",
}
MODES = ("server", "worker", "outpost")


def main() -> None:
    """Run the command that the first argument names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in COMMANDS:
        sys.exit(f"Unknown command: {name!r}")
    signal.signal(signal.SIGTERM, _end_at_once)
    settings = read_settings()
    if name in MODES:
        import_module(".beginning", __package__).begin(name, settings)
    module, function = COMMANDS[name].split(".")
    getattr(import_module(f".{module}", __package__), function)(settings)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


if __name__ == "__main__":
    main()
