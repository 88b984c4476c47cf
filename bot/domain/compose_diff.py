"""A change of compose files as a person reads it, without the secrets that stand in them."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from bot.domain.compose_edit import ComposeFile
from bot.domain.compose_tree import Items, Node, Pairs, Scalar, children, read_tree

MASK = "***"
_WORDS = r"(?:PASS|PW(?:D|\b)|SECRET|TOKEN|KEY|CREDENTIAL|AUTH(?!ENTIK)|PRIVATE)"
_SECRET = re.compile(_WORDS, re.IGNORECASE)
_VARIABLE = re.compile(r"\$(\w+|\{\w+(:?\?[^}]*)?\})")
_PROGRAMS = {"command", "entrypoint", "test"}
_TELLING = re.compile(r"pass|auth|(^|\s)-a(\s|$)", re.IGNORECASE)
_IN_URL = re.compile(r"(?<=://)[^/@\s$]+(?=@)")
_IN_COMMENT = re.compile(rf"(#.*?{_WORDS}\w*[\"']?\s*[:=]\s*)\S.*", re.IGNORECASE)


def unified_diff(files: Sequence[ComposeFile], texts: Mapping[str, bytes]) -> str:
    """How *files* become the new *texts*, by path; values that look secret are masked."""
    lines: list[str] = []
    for file in files:
        if file.path in texts:
            before, after = (
                _masked(content.decode(), file.path).splitlines()
                for content in (file.content, texts[file.path])
            )
            lines += difflib.unified_diff(before, after, file.path, file.path, lineterm="")
    return "\n".join(lines)


def _masked(text: str, path: str) -> str:
    """With every line where it was."""
    for start, end in sorted(_spans(read_tree(text, path).root, secret=False), reverse=True):
        text = text[:start] + re.sub(r"\S.*", MASK, text[start:end]) + text[end:]
    text = _IN_URL.sub(MASK, text)
    return "\n".join(_IN_COMMENT.sub(rf"\1{MASK}", line) for line in text.split("\n"))


def _spans(node: Node, *, secret: bool) -> Iterator[tuple[int, int]]:
    """Where words stand that nobody need see."""
    if isinstance(node, Scalar):
        if secret and not _VARIABLE.fullmatch(node.value):
            yield node.start, node.end
        return
    if isinstance(node, Pairs):
        for key, value in node.pairs:
            named = isinstance(value, Scalar) and _SECRET.search(key.value) is not None
            program = key.value in _PROGRAMS and _tells(value)
            yield from _spans(value, secret=secret or named or program)
    if isinstance(node, Items):
        for item in node.items:
            word = item.value if isinstance(item, Scalar) else ""
            yield from _spans(item, secret=secret or _is_secret(*word.partition("=")))


def _is_secret(name: str, sign: str, value: str) -> bool:
    return bool(sign and _SECRET.search(name) and not _VARIABLE.fullmatch(value))


def _tells(node: Node) -> bool:
    """Whether a program is given a password."""
    if isinstance(node, Scalar):
        return _TELLING.search(node.value) is not None
    return any(_tells(each) for each in children(node))
