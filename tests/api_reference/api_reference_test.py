"""Every public name is documented: doxygen reads docs/Doxyfile without a warning."""

import os
import pathlib
import shutil
import subprocess

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
FOLDERS = ("libtracking/include", "bindings/c/include", "docs")


def doxygen(root, output):
    """What it says of the tree at `root`."""
    settings = (SOURCE / "docs/Doxyfile").read_text(encoding="utf-8") + f"\nOUTPUT_DIRECTORY = {output}\n"
    return subprocess.run(["doxygen", "-"], cwd=root, input=settings, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False, timeout=120)


def test_every_public_name_is_documented(tmp_path):
    done = doxygen(SOURCE, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "html/classtracking_1_1TrackingService.html").is_file()
    assert (tmp_path / "html/c_8h.html").is_file()


def test_a_name_without_a_word_is_found(tmp_path):
    for folder in FOLDERS:
        shutil.copytree(SOURCE / folder, tmp_path / folder)
    header = tmp_path / "libtracking/include/tracking/version.h"
    header.write_text(header.read_text(encoding="utf-8").replace(
        "namespace tracking {", "namespace tracking {\n\nTRACKING_EXPORT int unexplained(int value);\n", 1), encoding="utf-8")
    done = doxygen(tmp_path, tmp_path / "out")
    assert done.returncode != 0 and "unexplained" in done.stdout
