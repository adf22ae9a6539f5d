"""What is printed in README.md and meant to be run, by the comment that stands before its block of code."""

import os
import pathlib
import re

README = (pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- ([^\n]*) -->\n```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [match.groups() for match in BLOCK.finditer(README)]


def blocks(kind, language):
    found = [text for marker, block_language, text in BLOCKS if (marker, block_language) == (kind, language)]
    assert found, f"README.md has no {language} block marked `{kind}`"
    return found
