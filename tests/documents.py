"""The project's Markdown files taken apart: fenced blocks, the commands in them, code spans, links and headings."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "docs/tutorials/*.md", "benchmarks/*.md", "data_pipelines/*.md")
    for path in ROOT.glob(pattern)
)

ADDING = [page for page in PAGES if page.name.startswith("add-a-")]
"""What these say is of a tree with their diffs applied."""

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ASSIGNED = re.compile(r"(\w+)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Command:
    """One simple command of a fenced block, its variables filled in, and the page it stands on."""

    page: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}: {' '.join(self.words)}"


def name_of(page: Path) -> str:
    """Its path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The texts of the fenced blocks of a language."""
    return [match[3] for match in _FENCE.finditer(page.read_text()) if match[2] == language]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def spans(page: Path) -> list[str]:
    """The code spans of the prose; a table's escaped bars are bars."""
    return [" ".join(span.replace("\\|", "|").split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def links(page: Path) -> list[str]:
    """Targets of the links and images that point into the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    return [target for target in found if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The names GitHub gives the headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands(page: Path) -> Iterator[Command]:
    """Every simple command of the blocks of shell; one in a loop once for each value, and brackets taken as given."""
    variables: dict[str, list[str]] = {}
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for words in _simple(line):
                yield from (Command(name_of(page), filled) for filled in _filled(words, variables))


def _simple(line: str) -> Iterator[list[str]]:
    """The commands of a line, as words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split, lexer.commenters = True, "#"
    for is_end, group in itertools.groupby(lexer, lambda word: not word.strip(";&|")):
        if not is_end:
            # What follows `>` is where the output goes.
            yield [_bare(word) for word in itertools.takewhile(lambda word: word != ">", group)]


def _bare(word: str) -> str:
    """A word without the brackets that say it may be left out."""
    if word.startswith("["):
        word = word[1:]
    return word[:-1] if word.endswith("]") and word.count("]") > word.count("[") else word


def _filled(words: list[str], variables: dict[str, list[str]]) -> Iterator[tuple[str, ...]]:
    """The command with every value of its variables; assignments and loops give variables their values."""
    words = words[1:] if words[0] in ("do", "then") else words
    if words and words[0] == "for":
        variables[words[1]] = words[3:]
        return
    while words and (assigned := _ASSIGNED.fullmatch(words[0])):
        variables[assigned[1]] = [assigned[2]]
        words = words[1:]
    if not words or words == ["done"]:
        return
    used = {name for word in words for pair in _VARIABLE.findall(word) if (name := pair[0] or pair[1]) in variables}
    for values in itertools.product(*(variables[name] for name in sorted(used))):
        yield tuple(_with(word, dict(zip(sorted(used), values, strict=True))) for word in words)


def _with(word: str, known: dict[str, str]) -> str:
    """The word with the values of the variables that are known."""
    return _VARIABLE.sub(lambda match: known.get(match[1] or match[2], match[0]), word)
