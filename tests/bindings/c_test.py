"""What documents print in C compiles and runs."""

import os
import pathlib
import re
import subprocess

import pytest
from e2e_support import seconds
from readme_example import readme_example, without_account_1

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])
PRINTED = r'\{"id":"[^"]+","account_id":1,.*"sequence":1,"data":"foo"\}\n'

# What the README's ten lines stand in.
AROUND = """
#include <stdio.h>
#include <string.h>
#include <tracking/c.h>

static int failed(const char* text) { return fprintf(stderr, "%s\\n", text), 1; }

int main(void) {
  tracking_service* service = NULL;
  tracking_subscriber* subscriber = NULL;
  tracking_deliveries got;
  tracking_error error;
  {{ heart }}
  return 0;
}
"""


@pytest.fixture
def run(tmp_path):
    """Compiles a program and runs it."""
    def run(program):
        (tmp_path / "program.c").write_text(program)
        done = subprocess.run(["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror",
                               f"-I{SOURCE / 'bindings/c/include'}", tmp_path / "program.c", "-o", tmp_path / "program",
                               LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert done.returncode == 0, done.stdout
        return subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False, timeout=seconds(20))

    return run


def test_the_document_runs_as_printed(run):
    text = (SOURCE / "docs/EMBEDDING.md").read_text(encoding="utf-8")
    program, = re.findall(r"^<!-- compile -->\n```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    done = run(program)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(PRINTED, done.stdout)


def test_the_readme_runs_as_printed(run):
    done = run(AROUND.replace("{{ heart }}", readme_example("c", "c")))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(PRINTED, done.stdout)


def test_the_readmes_example_tells_of_a_failure(run):
    done = run(AROUND.replace("{{ heart }}", without_account_1(readme_example("c", "c"))))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "account 1 does not exist\n")
