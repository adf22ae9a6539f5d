"""The manual and all else that is generated from the option tables."""

import os
import pathlib
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
PAGES = sorted((SOURCE / "packaging/man").iterdir())


def test_what_is_generated_is_current(tmp_path):
    subprocess.run([SOURCE / "scripts/generate.sh", os.environ["TRACKING_BUILD_DIR"], tmp_path], check=True)
    generated = {file.relative_to(tmp_path): file.read_text() for file in tmp_path.rglob("*") if file.is_file()}
    assert len(generated) == 14
    for name, text in generated.items():
        assert (SOURCE / name).read_text() == text, f"{name} is out of date: run scripts/generate.sh"
    for folder in ("man", "completions"):
        there = {file.relative_to(SOURCE) for file in (SOURCE / "packaging" / folder).rglob("*") if file.is_file()}
        assert there == {name for name in generated if name.parts[:2] == ("packaging", folder)}


def shown(page):
    environment = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MAN_KEEP_FORMATTING": ""}
    return subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], env=environment, capture_output=True,
                          check=True, text=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_shown_without_warnings(page):
    result = shown(page)
    assert result.stderr == ""
    # Its name stands in it as one types it.
    assert f"{page.stem} - " in result.stdout


def test_a_page_says_what_help_says():
    text = " ".join(shown(SOURCE / "packaging/man/tracking-cli-subscribe.1").stdout.split())
    for part in ("-o, --output text|json|raw", "Default: now.", "Variable: TRACKING_URL",
                 "EXIT STATUS 0 done, 1 failed, 2 wrong usage",
                 "tracking-cli subscribe --count 1 --for 30s && echo \"an event came\""):
        assert part in text, part
