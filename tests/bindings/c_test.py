"""What documents print in C compiles and runs."""

import os
import pathlib
import re
import subprocess

import pytest
from e2e_support import seconds

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
LIBRARY = pathlib.Path(os.environ["TRACKING_C_LIBRARY"])


@pytest.mark.parametrize("document", ["docs/EMBEDDING.md", "bindings/c/README.md"])
def test_the_document_runs_as_printed(tmp_path, document):
    text = (SOURCE / document).read_text(encoding="utf-8")
    program, = re.findall(r"^<!-- compile -->\n```c\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "program.c").write_text(program)
    done = subprocess.run(["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror",
                           f"-I{SOURCE / 'bindings/c/include'}", tmp_path / "program.c", "-o", tmp_path / "program",
                           LIBRARY, f"-Wl,-rpath,{LIBRARY.parent}"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False, timeout=seconds(20))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r'\{"id":"[^"]+","account_id":1,.*"sequence":1,"data":"foo"\}\n', done.stdout)
