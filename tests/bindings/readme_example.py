"""The example in a binding's README: ten lines of what its users write, which a test gives what has to stand around it."""

import os
import pathlib
import re

BINDINGS = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / "bindings"
LINES_MAX = 10


def readme_block(binding, language):
    """The README's first block in that language."""
    text = (BINDINGS / binding / "README.md").read_text(encoding="utf-8")
    return re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)[1]


def readme_example(binding, language):
    example = readme_block(binding, language)
    assert len(example.splitlines()) <= LINES_MAX, f"the example of bindings/{binding} is longer:\n{example}"
    return example


def without_account_1(example):
    """The same over accounts among which its own is not: tracking has to fail, and the example to say so."""
    changed = example.replace("memory:?active=1,3", "memory:?active=3")
    assert changed != example
    return changed
