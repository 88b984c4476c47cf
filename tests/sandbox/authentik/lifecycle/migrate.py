"""``python -m lifecycle.migrate``: every migration under the advisory lock 1000 (§5)."""

from . import logs
from .database import connect
from .django_migrations import check_deploy, migrate
from .settings import Settings, read_settings
from .system_migrations import apply_system_migrations, ensure_allowed_version

ADVISORY_LOCK = 1000


def run_migrations(settings: Settings) -> None:
    """Wait for the lock, migrate, release the lock.

    Does not wait for the database and does not retry (§11). "releasing database lock" is logged
    after a failure too (§5.3), as JSON once Django is set up (§11).
    """
    django_is_set_up = False
    with connect(settings) as connection:
        try:
            logs.console("waiting to acquire database lock")
            connection.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))
            connection.commit()
            ensure_allowed_version(connection)
            apply_system_migrations(connection)
            logs.console("applying django migrations")
            if not settings.secret_key:
                raise RuntimeError("The SECRET_KEY setting must not be empty.")
            settings.pause(0.1)
            django_is_set_up = True
            migrate(settings)
            check_deploy()
        finally:
            if django_is_set_up:
                logs.event("releasing database lock", logger="lifecycle.migrate")
            else:
                logs.console("releasing database lock")
            connection.rollback()
            connection.execute("SELECT pg_advisory_unlock(%s)", (ADVISORY_LOCK,))


if __name__ == "__main__":
    run_migrations(read_settings())
