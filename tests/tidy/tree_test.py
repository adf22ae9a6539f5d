"""Rules that every file keeps."""

import re

from tree import ROOT, files, lines, name, nothing, offences

CODE = ("*.cpp", "*.h", "*.py", "*.js", "*.css", "*.html", "*.cmake", "CMakeLists.txt", "*/CMakeLists.txt",
        "scripts/*", ".ci/*")
LENGTH_MAX = 500
THIS_FOLDER = "tests/tidy/"

# Headers of C++20 that have a slash or a dot are none of the standard's own.
STANDARD_HEADER = re.compile(r"#include <[a-z_0-9]+>")


def code():
    return [path for path in files(*CODE) if not name(path).startswith(THIS_FOLDER)]


def text_files():
    return [path for path in files() if path.suffix not in {".png", ".gz", ".ico"} and path.name != "LICENSE"
            and not name(path).startswith("tests/fuzz/corpus")]


def test_nothing_is_left_half_done():
    half_done = re.compile(r"\b(TODO|FIXME|XXX|HACK|not implemented|[Ff]or now|To be written)\b")
    nothing(offences(code(), half_done.search))


def test_no_test_is_skipped():
    skip = re.compile(r"GTEST_SKIP|DISABLED_|pytest\.(skip|mark\.skip|importorskip|xfail|mark\.xfail)")
    nothing(offences(code(), skip.search))


def test_no_file_names_a_machine():
    paths = re.compile(r"(^|[^\w./*])/(work|home|root|Users)/")
    nothing(offences([path for path in text_files() if not name(path).startswith(THIS_FOLDER)], paths.search))


def test_a_file_is_one_idea_long():
    long = [f"{name(path)}: {count}" for path in code() if (count := len(lines(path)) - 1) > LENGTH_MAX]
    nothing(long)


def test_text_is_plain_utf8_with_clean_line_ends():
    for path in text_files():
        text = path.read_bytes().decode("utf-8")
        assert "\r" not in text, f"{name(path)} has carriage returns"
        assert not text or text.endswith("\n"), f"{name(path)} does not end with a line end"
        assert path.suffix == ".md" or not re.search(r"[ \t]+$", text, re.MULTILINE), f"{name(path)}: blanks at a line's end"


def test_no_text_direction_is_changed_by_hidden_characters():
    nothing(offences(text_files(), re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069]").search))


def test_public_headers_include_only_the_standard_and_ours():
    def is_foreign(line):
        return line.startswith("#include") and not (
            STANDARD_HEADER.match(line) or re.match(r"#include <tracking/[a-z_]+\.h>", line))
    nothing(offences(files("libtracking/include/*.h"), is_foreign))


def test_public_headers_and_types_are_documented():
    """A header says at its top what it is for, and a type above its head."""
    missing = []
    for path in files("libtracking/include/*.h"):
        text = lines(path)
        if not text[0].startswith("// "):
            missing.append(f"{name(path)}: says nothing about itself")
        for above, line in zip(text, text[1:]):
            is_type = re.match(r"(class|struct|enum class) (TRACKING_EXPORT )?\w+.*\{", line)
            if is_type and not above.lstrip().startswith(("///", "template")):
                missing.append(f"{name(path)}: {line}")
    nothing(missing)


def test_every_source_is_built():
    """A file that no list of sources names is dead."""
    lists = {path.parent: path.read_text(encoding="utf-8") for path in files("*CMakeLists.txt")}
    dead = []
    for path in files("libtracking/*.cpp", "apps/*.cpp", "bench/*.cpp", "bindings/*.cpp", "tests/*.cpp"):
        folder = path.parent
        while folder not in lists:
            folder = folder.parent
        listed = path.relative_to(folder).as_posix()
        if listed not in lists[folder] and path.stem not in lists[folder] and "*.cpp" not in lists[folder] \
                and name(path.parent) != "tests/install":
            dead.append(name(path))
    nothing(dead)


def test_scripts_can_be_run():
    for path in [*files("scripts/*"), ROOT / ".ci/run"]:
        assert path.stat().st_mode & 0o111, f"{name(path)} cannot be executed"
