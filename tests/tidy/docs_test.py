"""The documentation says what is there."""

import re

from tree import ROOT, files, name, nothing

VERSION = ".".join(re.findall(r"define TRACKING_VERSION_\w+ (\d+)",
                              (ROOT / "libtracking/include/tracking/version.h").read_text()))


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def anchors(markdown):
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_somewhere():
    broken = []
    for path in files("*.md"):
        text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            linked = (path.parent / file).resolve() if file else path
            if not linked.exists():
                broken.append(f"{name(path)}: {target}")
            elif anchor and anchor not in anchors(linked.read_text(encoding="utf-8")):
                broken.append(f"{name(path)}: {target} (no such heading)")
    nothing(broken)


def test_every_document_that_is_named_exists():
    missing = []
    for path in files():
        if path.suffix in {".png", ".gz"} or name(path).startswith("tests/fuzz/corpus"):
            continue
        for document in re.findall(r"\b(?:docs/)?[A-Z][A-Z_]+\.md\b", path.read_text(encoding="utf-8")):
            if not any((ROOT / place / document).exists() for place in (".", "docs")) \
                    and not (path.parent / document).exists():
                missing.append(f"{name(path)}: {document}")
    nothing(missing)


def test_every_document_is_in_the_readme():
    readme = text_of("README.md")
    nothing([name(path) for path in files("docs/*.md") if name(path) not in readme])


def test_the_changelog_has_an_entry_for_this_version():
    assert re.search(rf"^## (\[)?{re.escape(VERSION)}\b", text_of("CHANGELOG.md"), re.MULTILINE)


def test_every_dependency_is_in_the_readme_with_its_purpose():
    """The one list of packages and the table agree."""
    packages = set(re.findall(r"^  (lib[\w+-]+-dev|rapidjson-dev|prometheus-cpp-dev|zlib1g-dev)\b",
                              text_of("scripts/install-packages"), re.MULTILINE))
    table = set(re.findall(r"`([a-z0-9+-]+)`", "\n".join(
        line for line in text_of("README.md").split("\n") if line.startswith("|"))))
    assert packages and packages <= table, f"not in the README's table: {sorted(packages - table)}"


def test_every_promise_names_tests_that_exist():
    """docs/PROMISES.md: a cell without a test is no promise."""
    code = "\n".join(text_of(name(path)) for path in files("tests/*.cpp"))
    cases = {".".join(case) for case in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", code, re.MULTILINE)}
    functions = {f"{path.name}::{function}" for path in files("tests/*_test.py")
                 for function in re.findall(r"^def (test_\w+)\(", text_of(name(path)), re.MULTILINE)}
    programs = {"faults.simulation"} if "faults.simulation" in text_of("tests/faults/simulation/CMakeLists.txt") else set()
    wrong = []
    for row in text_of("docs/PROMISES.md").split("\n"):
        if not row.startswith("| ") or set(row) <= set("|- "):
            continue
        heading, *cells = (cell.strip() for cell in row.strip("|").split("|"))
        named = [re.findall(r"`(\w+\.(?:py::)?\w+)`", cell) for cell in cells]
        wrong += [f"{heading}: {test}" for tests in named for test in tests if test not in cases | functions | programs]
        is_head = not heading or heading in ("what fails", "levels")
        has_test_column = len(cells) == 2
        if not is_head and not (named[1] if has_test_column else all(named)):
            wrong.append(f"{heading}: a cell names no test")
    nothing(wrong)
