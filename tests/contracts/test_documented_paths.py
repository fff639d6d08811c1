"""What the documents point at is there: links and their headings, pictures, and files and folders named in passing."""

from __future__ import annotations

import re
import tomllib

import pytest
from documents import ADDING, PAGES, ROOT, anchors, blocks, commands, links, name_of, spans

# Folders of the repository; with a word behind them a path of it, unless a placeholder is in it.
NAMED = re.compile(
    r"(?:mrsr|data_pipelines|experiments|launch|benchmarks|docs|tests|docker)/[\w./-]*\w(?:\.\w+)?/?|\.ci/run|Makefile"
)
# Of a cache, made by a command, or made in its tutorial.
ELSEWHERE = ("mrsr/compiled/", "docs/api", "experiments/rung_540.py")
MEDIA = ROOT.parent / "shared"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_and_pictures_lead_to_files_and_headings(page) -> None:
    broken = []
    for target in links(page):
        file, _, anchor = target.partition("#")
        to = (page.parent / file) if file else page
        if not to.exists() or (anchor and to.suffix == ".md" and anchor not in anchors(to)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_named_in_a_sentence_are_there(page) -> None:
    if page.name == "CHANGELOG.md":
        pytest.skip("it tells of what was")
    missing = []
    for span in spans(page):
        named = NAMED.fullmatch(span.split(":")[0])
        placeholder = named and any(part.isupper() for part in named[0].split("/"))
        if named and not placeholder and not (ROOT / named[0]).exists() and named[0] not in ELSEWHERE:
            missing.append(span)
    assert missing == []


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ADDING], ids=name_of)
def test_files_given_to_a_command_are_there(page) -> None:
    missing = set()
    for command in commands(page):
        for before, word in zip(("", *command.words), command.words, strict=False):
            path = word.split(":")[0]
            made = before in ("--output", "--workdir", "--out", "--json")
            if NAMED.fullmatch(path) and not made and not (ROOT / path).exists():
                missing.add(path)
    assert missing == set()


@pytest.mark.shared
@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_media_given_to_a_command_are_there(page) -> None:
    if not MEDIA.is_dir():
        pytest.skip(f"no media in {MEDIA}")
    words = {word.partition("=")[0] for command in commands(page) for word in command.words}
    named = {word for word in words if word.startswith("../shared/")}
    assert [word for word in sorted(named) if "{" not in word and not (ROOT / word).exists()] == []


def test_the_readme_links_every_page_once() -> None:
    found = [link.partition("#")[0] for link in links(ROOT / "README.md")]
    pages = [name_of(page) for page in PAGES if page.parent.name in ("docs", "tutorials")]
    assert {page: found.count(page) for page in pages if found.count(page) != 1} == {}


def test_the_layers_that_are_drawn_are_those_that_are_checked() -> None:
    (drawing,) = blocks(ROOT / "docs" / "architecture.md", "mermaid")
    chain = drawing.partition("flowchart BT")[2].split("-->")
    drawn = [re.sub(r'.*"(.+)".*', r"\1", node.strip()) for node in chain]
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    assert drawn == [layer.replace("mrsr.", "") for layer in reversed(contract["layers"])]
