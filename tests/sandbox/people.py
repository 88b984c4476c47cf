"""People at the front door of deploy/demo's stack: `python -m tests.sandbox.people VERB`.

watch          ask for the login page until SIGTERM, then say what was seen
login NAME     log in, and say whether that worked; exit code 1 if not
hire NAME      make an account, with the administrator's password
lose NAME      delete it, as one wrong click does
"""

import signal
import sys
import threading
from collections.abc import Callable, Mapping

from tests.e2e.visitor import Prober, Visitor, probing
from tests.sandbox.fixture import Sandbox, environment


def watch() -> int:
    """Ask every 100 ms, and say for how long the login page stayed away."""
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    with probing() as prober:
        over.wait()
    print(*seen_words(prober), sep="\n")
    return 0 if prober.seen and prober.seen[-1][1] == 200 else 1


def seen_words(prober: Prober) -> list[str]:
    """What a visitor saw, in two lines."""
    answered = len(prober.seen) - prober.failures
    at_the_end = bool(prober.seen) and prober.seen[-1][1] == 200
    away = f"it was away for {prober.away:.1f} s" if prober.failures else "it was never away"
    if not prober.seen:
        away = "nobody knows whether it was away"
    return [
        (
            f"Somebody asked for the login page {len(prober.seen)} times and got it {answered}"
            f" times: {away}."
        ),
        "People can log in now." if at_the_end else "People CANNOT log in now.",
    ]


def login(name: str) -> int:
    visitor = Visitor(name)
    try:
        visitor.log_in(Sandbox(environment()))
        well = visitor.is_logged_in()
    except (AssertionError, OSError, KeyError):
        well = False
    print(f"{name} {'logs in' if well else 'CANNOT log in'}")
    return 0 if well else 1


def hire(name: str) -> int:
    Sandbox(environment()).psql(
        f"""
        CREATE TEMP TABLE hired AS SELECT * FROM authentik_core_user WHERE username = 'akadmin';
        UPDATE hired SET username = '{name}', name = '{name}', email = '{name}@example.org',
          uuid = gen_random_uuid(),
          id = nextval(pg_get_serial_sequence('authentik_core_user', 'id'));
        INSERT INTO authentik_core_user SELECT * FROM hired;
        """
    )
    return 0


def lose(name: str) -> int:
    who = f"(SELECT id FROM authentik_core_user WHERE username = '{name}')"
    Sandbox(environment()).psql(
        f"""
        DELETE FROM authentik_core_authenticatedsession WHERE user_id = {who};
        DELETE FROM authentik_core_user WHERE id = {who};
        """
    )
    return 0


_OF_A_PERSON: Mapping[str, Callable[[str], int]] = {"login": login, "hire": hire, "lose": lose}


def main(words: list[str]) -> int:
    """The exit code."""
    match words:
        case ["watch"]:
            return watch()
        case [verb, name] if verb in _OF_A_PERSON and name.isalnum():
            return _OF_A_PERSON[verb](name)
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
