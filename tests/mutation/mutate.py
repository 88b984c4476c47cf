"""Mutants of the wanted modules, each tried against the tests that run through it.

mutmut makes them and knows the tests of each function. Four things differ from its own command:
properties are mutated too, since much is decided in them; sentences for people are not, which the
chat's conversations and the commands' outputs hold word for word; a survivor without a written
reason is tried again, for the tests may have become better; and the tests are collected once for
all mutants, not for each (see `trials`).

Run in a copy of the repository (see `run`): what mutmut makes and learns it keeps in `mutants/`.
"""

import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import libcst as cst
from mutmut import __main__ as mutmut
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
from mutmut.workers.isolation import get_mutant_runner

from tests.mutation.mutants import (
    REFUSED_BY_TYPES,
    UNTESTED,
    read_module,
    survivors_of,
    wanted_modules,
)
from tests.mutation.refusals import refused_by_types
from tests.mutation.survivors import read_reasons
from tests.mutation.trials import INTERRUPTED, NO_MUTANT, Trials, run

REFUSED = Path("mutants/refused.json")
STATS = Path("mutants/mutmut-stats.json")
BESIDE = ("tests/domain/", "tests/age/")

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
    """The module of each mutant without a result."""
    return {
        name: module
        for module in modules
        for name, code in module.exit_code_by_key.items()
        if code is None
    }


def tests_of(mutant: str) -> set[str]:
    """Those beside it; where none of them runs through it, those of the services that use it."""
    tests = state().tests_by_mangled_function_name[mangled_name_from_mutant_name(mutant)]
    return {test for test in tests if test.startswith(BESIDE)} or set(tests)


def try_mutants(left: Mapping[str, SourceFileMutationData], workers: int) -> int:
    done = itertools.count(1)

    def note(mutant: str, code: int) -> None:
        module = left[mutant]
        module.exit_code_by_key[mutant] = code
        module.save()
        if (number := next(done)) % 100 == 0:
            print(f"mutation: {number} of {len(left)}", flush=True)

    waiting = {name: tests for name in left if (tests := tests_of(name))}
    for name in left.keys() - waiting.keys():
        note(name, UNTESTED)
    return run(Trials(waiting, workers=workers, note=note))


def main(*names: str) -> None:
    workers = os.cpu_count() or 1
    adapt_mutmut()
    make_mutants(workers)
    forget_changed_tests()
    mutmut.collect_or_load_stats(get_mutant_runner(workers), apply_config_invalidation=True)
    note_refused()
    set_mutant_under_test(NO_MUTANT)
    modules = [read_module(path) for path in wanted_modules(names)]
    forget_unexplained(modules)
    left = untried(modules)
    print(f"mutation: {len(left)} mutants to try", flush=True)
    code = try_mutants(left, workers)
    if code == INTERRUPTED:
        raise SystemExit("mutation: stopped; the next run goes on from here")
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
