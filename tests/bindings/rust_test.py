"""The Rust crates as their users get them: the header as it stands, their own tests, and their README as printed."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

from e2e_support import seconds
from readme_example import readme_block, readme_example, without_account_1

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
PACKAGE = SOURCE / "bindings/rust"
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])
HEADER = (SOURCE / "bindings/c/include/tracking/c.h").read_text(encoding="utf-8")
SYS = (PACKAGE / "tracking-sys/src/lib.rs").read_text(encoding="utf-8")

sys.path.insert(0, str(SOURCE / "bindings/c/abi"))

import baseline  # noqa: E402

# What the README's ten lines stand in.
AROUND = """use tracking::{Event, Service};

fn main() -> tracking::Result<()> {
{{ heart }}    Ok(())
}
"""


@pytest.fixture
def cargo():
    """Runs cargo with the library of this build and without a network; what it builds serves the next run."""
    environment = {name: value for name, value in os.environ.items() if name != "LDFLAGS"} | {
        "TRACKING_C_LIBRARY_DIR": str(LIBRARY.parent), "LD_LIBRARY_PATH": str(LIBRARY.parent),
        "CARGO_TARGET_DIR": str(pathlib.Path(os.environ["TRACKING_BUILD_DIR"]) / "rust")}

    def run(*arguments, cwd, status=0):
        done = subprocess.run(["cargo", *arguments], cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                              timeout=seconds(280))
        assert done.returncode == status, done.stdout
        return done.stdout

    return run


def in_rust(c_type):
    """The Rust type of a parameter's or member's C type."""
    words = c_type.replace("*", " * ").split()
    names = {"char": "c_char", "size_t": "usize", "void": "c_void", "tracking_code": "tracking_code", "int64_t": "i64",
             "int32_t": "i32", "uint64_t": "u64", "uint32_t": "u32", "uint8_t": "u8"}
    is_const = words[0] == "const"
    name = words[1] if is_const else words[0]
    stars = words.count("*")
    mutability = ["*const " if is_const else "*mut "] + ["*mut "] * (stars - 1) if stars else []
    return "".join(mutability) + names.get(name, name)


def split(declaration):
    """"const char* url" as (name, type)."""
    name = re.search(r"\w+$", declaration)[0]
    return name, in_rust(declaration[:-len(name)])


def test_every_function_is_declared_as_in_the_header():
    declared = {}
    for name, parameters, result in re.findall(r"pub fn (\w+)\(([^)]*)\)(?: -> ([^;]+))?;", SYS):
        arguments = [tuple(part.strip() for part in one.split(":")) for one in parameters.split(",") if one.strip()]
        declared[name] = (arguments, result)
    expected = {}
    for name, text in baseline.functions(HEADER).items():
        result, parameters = re.match(r"(.*?)\b" + name + r"\((.*)\)", text).groups()
        arguments = [] if parameters == "void" else [split(one.strip()) for one in parameters.split(",")]
        expected[name] = (arguments, "" if result.strip() == "void" else in_rust(result.strip()))
    assert declared == expected


def test_every_structure_has_the_headers_members():
    def members(text):
        return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)

    for name, body in re.findall(r"typedef struct (tracking_\w+) \{(.*?)\} tracking_\w+;", HEADER, re.DOTALL):
        expected = []
        for declaration in filter(None, (one.strip() for one in members(body).split(";"))):
            array = re.search(r"\[(\d+)\]$", declaration)
            member, kind = split(declaration[:array.start()] if array else declaration)
            expected.append((member, f"[{kind}; {array[1]}]" if array else kind))
        rust = re.search(rf"pub struct {name} \{{(.*?)\n\}}", SYS, re.DOTALL)[1]
        assert re.findall(r"pub (\w+): ([^\n]+),", rust) == expected, name


def test_the_numbers_are_the_headers():
    numbers = dict(re.findall(r"(TRACKING_\w+) = (\d+)", HEADER))
    in_sys = dict(re.findall(r"pub const (TRACKING_\w+): \w+ = (\d+);", SYS))
    assert in_sys and in_sys.items() <= numbers.items()
    safe = (PACKAGE / "tracking/src/error.rs").read_text(encoding="utf-8")
    codes = {f"TRACKING_{name}": number for name, number in re.findall(r"pub const (\w+): Code = Code\((\d+)\)", safe)}
    assert codes and codes.items() <= numbers.items()


def test_their_own_tests_pass(cargo):
    printed = cargo("test", "--offline", cwd=PACKAGE)
    assert sum(map(int, re.findall(r"(\d+) passed", printed))) >= 11 and "; 0 ignored" in printed


@pytest.fixture
def program(tmp_path):
    """Writes a program around the heart of one, with the dependency that the README names."""
    (tmp_path / "src").mkdir()
    (tmp_path / "Cargo.toml").write_text("[package]\nname = \"example\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n"
                                         + readme_block("rust", "toml").replace("/path/to", str(SOURCE)))

    def write(heart):
        (tmp_path / "src/main.rs").write_text(AROUND.replace("{{ heart }}", heart))
        return tmp_path

    return write


def test_the_readme_runs_as_printed(cargo, program):
    printed = cargo("run", "--offline", "--quiet", cwd=program(readme_example("rust", "rust")))
    assert printed.splitlines()[-1] == '1 {"page":"/"}'


def test_the_readmes_example_tells_of_a_failure(cargo, program):
    heart = without_account_1(readme_example("rust", "rust"))
    printed = cargo("run", "--offline", "--quiet", cwd=program(heart), status=1)
    assert "account 1 does not exist" in printed.splitlines()[-1]
