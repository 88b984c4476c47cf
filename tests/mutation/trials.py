"""Mutants tried against their tests, each in a process forked from one collection.

pytest collects the tests once, with everything they import. Then, in place of running them, a
process is forked per mutant: it chooses its mutant and runs that mutant's tests until one fails.
So a mutant costs its tests and little else, and no mutant sees what another has left.
"""

import gc
import json
import os
import resource
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from time import process_time

import pytest
from mutmut.mutation import trampoline
from mutmut.runners.harness import PytestRunner
from mutmut.utils.file_utils import change_cwd

SURVIVED = 0  # exit codes, as mutmut knows them
KILLED = 1
INTERRUPTED = 2
TIMEOUT = 36

NO_MUTANT = ""
TIMES = 4  # a mutant may compute so many times as long as its tests do without it
ALLOWED = 0.5  # seconds that any may
PATIENCE = 10  # times the limit, for a test that waits without computing
MEMORY = 4 << 30  # bytes, so that a loop without an end takes no more of the machine
OUT_OF_TIME = {-signal.SIGPROF, -signal.SIGALRM}


@dataclass
class Trials:
    """pytest's plugin: tries so many mutants at a time, and notes the exit code of each.

    *waiting* has the tests of each mutant. First all of them run without a mutant: one that fails
    anyway would kill every mutant, and how long each takes decides order and limits.
    """

    waiting: Mapping[str, Collection[str]]
    workers: int
    note: Callable[[str, int], None]
    _running: dict[int, str] = field(default_factory=dict, init=False)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            pytest.exit("the tests cannot be collected", returncode=KILLED)
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all
        gc.freeze()
        items = {item.nodeid: item for item in session.items}
        seconds = self._measured(session)
        tests = {name: sorted(each, key=seconds.__getitem__) for name, each in self.waiting.items()}
        needed = {name: sum(map(seconds.__getitem__, each)) for name, each in tests.items()}
        try:
            for name in sorted(needed, key=needed.__getitem__):
                if len(self._running) == self.workers:
                    self._note_one()
                limit = TIMES * (needed[name] + ALLOWED)
                self._start(name, session, [items[test] for test in tests[name]], limit)
            while self._running:
                self._note_one()
        finally:
            for pid in self._running:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return True

    def _measured(self, session: pytest.Session) -> Mapping[str, float]:
        """Seconds of computing by test."""
        wanted = set().union(*self.waiting.values())
        items = [item for item in session.items if item.nodeid in wanted]
        shares = {Path(f"seconds-{n}.json"): items[n :: self.workers] for n in range(self.workers)}
        pids = [_measure(session, share, path) for path, share in shares.items()]
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        if any(codes):
            pytest.exit("the tests fail without any mutant", returncode=KILLED)
        return {
            test: each for path in shares for test, each in json.loads(path.read_text()).items()
        }

    def _start(
        self, mutant: str, session: pytest.Session, items: Sequence[pytest.Item], limit: float
    ) -> None:
        def try_it() -> int:
            signal.setitimer(signal.ITIMER_PROF, limit)
            signal.setitimer(signal.ITIMER_REAL, limit * PATIENCE)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            _choose(mutant)
            return KILLED if _failing(session, items, {}) else SURVIVED

        self._running[_forked(try_it)] = mutant

    def _note_one(self) -> None:
        pid, status = os.wait()
        code = os.waitstatus_to_exitcode(status)
        self.note(self._running.pop(pid), TIMEOUT if code in OUT_OF_TIME else code)


def _measure(session: pytest.Session, items: Sequence[pytest.Item], path: Path) -> int:
    def run_all() -> int:
        _choose(NO_MUTANT)
        seconds: dict[str, float] = {}
        failing = _failing(session, items, seconds)
        if failing:
            os.write(2, f"mutation: {failing.nodeid} fails\n".encode())
        path.write_text(json.dumps(seconds))
        return KILLED if failing else SURVIVED

    return _forked(run_all)


def _forked(work: Callable[[], int]) -> int:
    """The pid of a process that does *work* and nothing of what its parent would do after it."""
    pid = os.fork()
    if pid == 0:
        code = INTERRUPTED
        try:
            code = work()
        finally:
            os._exit(code)
    return pid


def _choose(mutant: str) -> None:
    """Every call of a mutated function asks for it, and would read the environment for that."""
    trampoline.get_mutant_under_test = lambda: mutant


def _failing(
    session: pytest.Session, items: Sequence[pytest.Item], seconds: dict[str, float]
) -> pytest.Item | None:
    """The first that fails; *seconds* are what each has computed."""
    session.config.pluginmanager.unregister(name="terminalreporter")  # it prints each test
    for item, following in zip_longest(items, items[1:]):
        start = process_time()
        item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
        seconds[item.nodeid] = process_time() - start
        if session.testsfailed:
            return item
    return None


def run(trials: Trials) -> int:
    """pytest's exit code."""
    runner = PytestRunner()
    selection = runner._pytest_add_cli_args_test_selection
    with change_cwd("mutants"):
        code: int = runner.execute_pytest(["-qq", "--capture=sys", *selection], plugins=[trials])
    return code
