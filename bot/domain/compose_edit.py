"""What a hop wants from the compose files, written into them: new texts from the old ones.

Comments, order, quotes, anchors and every byte that is no part of the change stay. Where that
cannot be, or where it would change another service, it is refused and a person does it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.compose_cut import Add, Cut, Edit, Put, change, cut
from bot.domain.compose_meaning import (
    is_of_redis,
    moved_mount,
    moved_source,
    tidy,
    wanted_meaning,
)
from bot.domain.compose_tree import (
    Items,
    Node,
    Pairs,
    Scalar,
    Tree,
    behind,
    by_hand,
    fields,
    layers,
    meaning,
    read_tree,
    said_by,
)
from bot.domain.compose_wants import (
    NEW_TARGET,
    OLD_TARGET,
    REDIS_VARIABLES,
    SHARED_MEMORY,
    FolderMove,
    Wants,
    read_wants,
)
from bot.domain.versions import Family

_NOT_PLAIN = ("include", "extends")


@dataclass(frozen=True)
class ComposeFile:
    """A file as it is now; it may hold secrets."""

    path: str
    content: bytes = field(repr=False)


@dataclass(frozen=True)
class FileChange:
    """A file before and after, by the SHA-256 of its content: the journal holds no secrets."""

    path: str
    old: str
    new: str


@dataclass(frozen=True)
class ComposeChange:
    """What one hop changes; *drops* are the services that go.

    The new texts are not in it: they are computed anew from the old ones, the way from *current* to
    *target* and Compose's answer, and must have the hash that a person has agreed to.
    """

    files: tuple[FileChange, ...]
    moves: tuple[FolderMove, ...]
    drops: tuple[str, ...]
    current: Family
    target: Family


@dataclass(frozen=True)
class Draft:
    """A change with the new texts by path, and what is left as it is, a sentence each.

    *change* is None where there is only something left to say.
    """

    change: ComposeChange | None
    texts: Mapping[str, bytes] = field(repr=False)
    left: tuple[str, ...] = ()


def plan_compose_change(
    files: Sequence[ComposeFile],
    config: Mapping[str, Any],
    *,
    services: Sequence[str],
    current: Family,
    target: Family,
) -> Draft | None:
    """What the way from *current* to *target* wants of *files*; None for nothing.

    *files* are in Compose's order, *config* is what it makes of them, *services* are server and
    worker.

    Raises:
        RefusedError: it cannot be done without touching more, or not by renaming a folder.
    """
    wants = read_wants(config, services, current, target)
    if wants.nothing:
        return Draft(None, {}, wants.left) if wants.left else None
    trees = {each.path: _read(each) for each in files}
    adds = _where_memory_goes(trees, wants)
    edited = {
        path: _edit_file(path, tree, wants, frozenset(n for n, at in adds.items() if at == path))
        for path, tree in trees.items()
    }
    _require_done(edited, wants)
    texts = {path: tree.text.encode() for path, tree in edited.items()}
    changes = tuple(
        FileChange(each.path, digest(each.content), digest(texts[each.path]))
        for each in files
        if texts[each.path] != each.content
    )
    drops = (wants.redis,) if wants.redis else ()
    return Draft(
        ComposeChange(changes, wants.moves, drops, current, target),
        {each.path: texts[each.path] for each in changes},
        wants.left,
    )


def digest(content: bytes) -> str:
    """What a content is known by."""
    return hashlib.sha256(content).hexdigest()


def _read(file: ComposeFile) -> Tree:
    try:
        text = file.content.decode()
    except UnicodeDecodeError as error:
        raise by_hand(file.path, "it is not in UTF-8") from error
    tree = read_tree(text, file.path)
    services = next(fields(tree.root, "services"), None)
    named = [key.value for key, _ in tree.root.pairs]
    named += [
        key.value
        for layer in (layers(services) if services else ())
        for _, service in layer.pairs
        for part in layers(service)
        for key, _ in part.pairs
    ]
    for word in _NOT_PLAIN:
        if word in named:
            raise by_hand(file.path, f'it uses "{word}", so that other files count, too')
    return tree


def _where_memory_goes(trees: Mapping[str, Tree], wants: Wants) -> dict[str, str]:
    """For each service the file that says how much it has, else the first that has the service."""
    found: dict[str, str] = {}
    for name in wants.shared:
        having = [path for path, tree in trees.items() if _service(tree, name)]
        said = [p for p in having for node in _service(trees[p], name) if [*fields(node, _SHM)]]
        if having:
            found[name] = said[-1] if said else having[0]
    return found


_SHM = "shm_size"


def _service(tree: Tree, name: str) -> list[Node]:
    return [each for services in fields(tree.root, "services") for each in fields(services, name)]


def _edit_file(path: str, tree: Tree, wants: Wants, adds: frozenset[str]) -> Tree:
    now = tree
    here = replace(wants, shared=tuple(adds))
    while (edit := next(_edits(now, here), None)) is not None:
        now = change(now, edit, path)
    after, wanted = said_by(now.root), wanted_meaning(said_by(tree.root), wants, adds)
    if tidy(after) != wanted:
        raise by_hand(path, f"{_differing(after, wanted)} would change, too")
    return now


def _differing(after: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    now, then = tidy(after)["services"], wanted["services"]
    names = [name for name in {**now, **then} if now.get(name) != then.get(name)]
    return ", ".join(f'"{name}"' for name in names) or "more than was wanted"


def _edits(tree: Tree, wants: Wants) -> Iterator[Edit]:
    """All that is still to be done; each changes the tree, so the first one counts."""
    for services in fields(tree.root, "services"):
        if wants.redis:
            yield from _entries(tree, services, lambda name: name == wants.redis)
        for name in wants.services:
            for service in fields(services, name):
                yield from _service_edits(tree, service, name, wants)
    for volumes in fields(tree.root, "volumes"):
        yield from _entries(tree, volumes, lambda name: name in wants.volumes)


def _service_edits(tree: Tree, service: Node, name: str, wants: Wants) -> Iterator[Edit]:
    if wants.redis:
        for node in fields(service, "environment"):
            yield from _entries(tree, node, lambda item: item.startswith(REDIS_VARIABLES))
        for node in fields(service, "depends_on"):
            yield from _entries(tree, node, lambda item: item == wants.redis)
        for node in fields(service, "links"):
            yield from _entries(tree, node, lambda item: is_of_redis(item, wants.redis))
    if name in wants.media:
        for node in fields(service, "volumes"):
            yield from _mount_edits(node)
    if name in wants.shared:
        yield from _memory_edits(service)


def _entries(tree: Tree, node: Node, goes: Any) -> Iterator[Cut]:
    """The entries of a list or a mapping whose word says that they go."""
    if isinstance(node, Items):
        for index, item in enumerate(map(behind, node.items)):
            if isinstance(item, Scalar) and goes(item.value):
                yield cut(tree, node, index)
    for layer in layers(node):
        for index, (key, _) in enumerate(layer.pairs):
            if goes(key.value):
                yield cut(tree, layer, index)


def _mount_edits(node: Node) -> Iterator[Put]:
    for item in map(behind, node.items if isinstance(node, Items) else ()):
        if isinstance(item, Scalar) and (moved := moved_mount(item.value)):
            yield Put(item, moved)
        source, target = next(fields(item, "source"), None), next(fields(item, "target"), None)
        if not (isinstance(source, Scalar) and isinstance(target, Scalar)):
            continue
        if target.value.rstrip("/") == OLD_TARGET and (new := moved_source(source.value)):
            yield Put(source, new)
        if target.value.rstrip("/") == OLD_TARGET and _is_moved(source):
            yield Put(target, NEW_TARGET)


def _is_moved(source: Scalar) -> bool:
    return source.value.rpartition("/")[2] == NEW_TARGET.strip("/")


def _memory_edits(service: Node) -> Iterator[Edit]:
    said = [*fields(service, _SHM)]
    for node in said:
        if isinstance(node, Scalar) and node.value != SHARED_MEMORY:
            yield Put(node, SHARED_MEMORY)
    if not said and isinstance(service, Pairs):
        yield Add(service, _SHM, SHARED_MEMORY)


def _require_done(trees: Mapping[str, Tree], wants: Wants) -> None:
    """The files may say it in a way that is not seen here, by a variable for example."""
    first = next(iter(trees))
    for name in wants.media:
        mounts = [
            meaning(item)
            for tree in trees.values()
            for service in _service(tree, name)
            for node in fields(service, "volumes")
            for item in (node.items if isinstance(node, Items) else ())
        ]
        if not any(_is_at_data(mount) for mount in mounts):
            raise by_hand(first, f'the mount of "{name}" at {OLD_TARGET} is not plainly in it')
    for name in wants.shared:
        if not any(
            meaning(node) == SHARED_MEMORY
            for tree in trees.values()
            for service in _service(tree, name)
            for node in fields(service, _SHM)
        ):
            raise by_hand(first, f'"{name}" is not plainly in it')
    if wants.redis and any(_service(tree, wants.redis) for tree in trees.values()):
        raise by_hand(first, f'"{wants.redis}" is not plainly in it')


def _is_at_data(mount: Any) -> bool:
    if isinstance(mount, dict):
        return mount.get("target") == NEW_TARGET
    return isinstance(mount, str) and NEW_TARGET in mount.split(":")[1:]
