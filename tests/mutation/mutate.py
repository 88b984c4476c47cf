"""Mutants of the wanted modules, each tried against the tests that run through it.

mutmut makes them, knows the tests of each function and forks a process per mutant. Three things
differ from its own command: properties are mutated too, since much is decided in them; sentences
for people are not, which the chat's conversations and the commands' outputs hold word for word;
and a survivor without a written reason is tried again, for the tests may have become better.

Run in a copy of the repository (see `run`): what mutmut makes and learns it keeps in `mutants/`.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from math import ceil
from pathlib import Path

import libcst as cst
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation import file_mutation, mutators
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import (
    copy_also_copy_files,
    copy_src_dir,
    setup_source_paths,
    walk_mutatable_files,
)
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import MutantResult, MutantRunner, get_mutant_runner

from tests.mutation.mutants import (
    REFUSED_BY_TYPES,
    UNTESTED,
    read_module,
    survivors_of,
    wanted_modules,
)
from tests.mutation.refusals import refused_by_types
from tests.mutation.survivors import read_reasons

REFUSED = Path("mutants/refused.json")
STATS = Path("mutants/mutmut-stats.json")

skips_for_mutmut = file_mutation.MutationVisitor._skip_node_and_children
arranged_by_mutmut = file_mutation.function_trampoline_arrangement


def is_property(node: cst.CSTNode) -> bool:
    if not isinstance(node, cst.FunctionDef) or len(node.decorators) != 1:
        return False
    decorator = node.decorators[0].decorator
    return isinstance(decorator, cst.Name) and decorator.value == "property"


def skips(visitor: file_mutation.MutationVisitor, node: cst.CSTNode) -> bool:
    return not is_property(node) and skips_for_mutmut(visitor, node)


def arranged(
    function: cst.FunctionDef, mutants: Iterable[file_mutation.Mutation], class_name: str | None
) -> tuple[object, ...]:
    """What chooses among the mutants is the property; they are plain methods, which it calls."""
    if not is_property(function):
        return tuple(arranged_by_mutmut(function, mutants, class_name))
    declared, (chooser, *methods), assigned, names = arranged_by_mutmut(
        function.with_changes(decorators=[]), mutants, class_name
    )
    chooser = chooser.with_changes(decorators=[*function.decorators, *chooser.decorators])
    return declared, [chooser, *methods], assigned, names


def key_mutants(node: cst.BaseString) -> Iterator[cst.BaseString]:
    """One other word for a key; none for a sentence."""
    if isinstance(node, cst.SimpleString) and " " not in node.value:
        yield from list(mutators.operator_string(node))[:1]


def adapt_mutmut() -> None:
    mutmut.print_status = lambda *_, **__: None  # it draws ten times a second
    file_mutation.MutationVisitor._skip_node_and_children = skips
    file_mutation.function_trampoline_arrangement = arranged
    mutators.mutation_operators[:] = [
        (kind, key_mutants if operator is mutators.operator_string else operator)
        for kind, operator in mutators.mutation_operators
    ]


def make_mutants(workers: int) -> None:
    """Those of every module, made anew only where it changed."""
    set_mutant_under_test("mutant_generation")
    with redirect_stdout(StringIO()):  # it names every file
        copy_src_dir()
        copy_also_copy_files()
        setup_source_paths()
        made = mutmut.create_mutants(workers)
    print(
        f"mutation: mutants of {made.mutated} modules made, of {made.unmodified} kept", flush=True
    )
    if made.mutated or not REFUSED.exists():
        REFUSED.unlink(missing_ok=True)
        refused = refused_by_types()
        REFUSED.write_text(json.dumps(sorted(refused)))
        print(f"mutation: the type checker refuses {len(refused)}", flush=True)


def forget_changed_tests() -> None:
    """Let mutmut see anew what they run through: by itself it looks only at tests of new names."""
    if not STATS.exists():
        return
    since = STATS.stat().st_mtime
    stats = json.loads(STATS.read_text())
    stats["duration_by_test"] = {
        test: seconds
        for test, seconds in stats["duration_by_test"].items()
        if (file := Path(test.partition("::")[0])).exists() and file.stat().st_mtime <= since
    }
    STATS.write_text(json.dumps(stats))


def note_refused() -> None:
    """Last, for mutmut forgets all results when other tests are to be run."""
    refused = set(json.loads(REFUSED.read_text()))
    for path in walk_mutatable_files():
        module = read_module(path)
        for name in module.exit_code_by_key.keys() & refused:
            module.exit_code_by_key[name] = REFUSED_BY_TYPES
        module.save()


def forget_unexplained(modules: Iterable[SourceFileMutationData]) -> None:
    """So that they are tried again."""
    reasons = read_reasons()
    for module in modules:
        for mutant, survivor in survivors_of(module).items():
            if survivor.change not in reasons:
                module.exit_code_by_key[mutant] = None
        module.save()


def untried(modules: Iterable[SourceFileMutationData]) -> dict[str, SourceFileMutationData]:
    """The module of each mutant without a result, the quickest first."""
    left = {
        name: module
        for module in modules
        for name, code in module.exit_code_by_key.items()
        if code is None
    }
    return {name: left[name] for name in sorted(left, key=mutmut.estimated_worst_case_time)}


def tests_of(mutant: str) -> list[str]:
    return list(state().tests_by_mangled_function_name[mangled_name_from_mutant_name(mutant)])


def require_sound(runner: MutantRunner, mutants: Iterable[str]) -> None:
    """A test that fails anyway would kill them all."""
    tests = {test for mutant in mutants for test in tests_of(mutant)}
    if tests and runner.run_clean_tests(tests) != 0:
        raise SystemExit("mutation: the tests fail without any mutant")


def try_mutants(left: Mapping[str, SourceFileMutationData], runner: MutantRunner) -> None:
    def note(result: MutantResult) -> None:
        module = left[result.mutant_name]
        module.exit_code_by_key[result.mutant_name] = result.exit_code
        module.save()

    runner.startup()
    for number, name in enumerate(left, start=1):
        if number % 100 == 0:
            print(f"mutation: {number} of {len(left)}", flush=True)
        tests = tests_of(name)
        if not tests:
            note(MutantResult(mutant_name=name, exit_code=UNTESTED, duration=0))
            continue
        seconds = mutmut.estimated_worst_case_time(name)
        limit = ceil((seconds + config().timeout_constant) * config().timeout_multiplier * 2)
        while not runner.has_capacity():
            note(runner.wait_for_result())
        runner.submit(name, tests, limit, seconds)
    runner.signal_work_complete()
    while runner.pending_count():
        note(runner.wait_for_result())
    runner.shutdown()


def main(*names: str) -> None:
    workers = os.cpu_count() or 1
    adapt_mutmut()
    make_mutants(workers)
    runner = get_mutant_runner(workers)
    forget_changed_tests()
    mutmut.collect_or_load_stats(runner, apply_config_invalidation=True)
    note_refused()
    set_mutant_under_test("")
    modules = [read_module(path) for path in wanted_modules(names)]
    forget_unexplained(modules)
    left = untried(modules)
    print(f"mutation: {len(left)} mutants to try", flush=True)
    require_sound(runner, left)
    try:
        try_mutants(left, runner)
    except KeyboardInterrupt:
        runner.stop_all_workers()
        raise SystemExit("mutation: stopped; the next run goes on from here") from None


if __name__ == "__main__":
    main(*sys.argv[1:])
