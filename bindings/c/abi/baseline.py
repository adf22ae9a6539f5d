#!/usr/bin/env python3
"""The binary interface that was released: baseline.py [--write] says, or writes, libtracking_c.N.abi beside it.

It is read off a library that has the header's functions with nothing in them, so that it does not change with what is
behind them. docs/EMBEDDING.md says when it may be written anew.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
HEADER = HERE.parent / "include/tracking/c.h"
BASELINE, = HERE.glob("libtracking_c.*.abi")
VERSION = BASELINE.name.split(".")[1]
FUNCTION = re.compile(r"^TRACKING_C_API ([^;]*?\b(tracking_\w+)\([^;]*\));", re.MULTILINE)


def functions(header):
    """{name: declaration}"""
    return {name: " ".join(declaration.split()) for declaration, name in FUNCTION.findall(header)}


def build(header, folder):
    """A library with the interface of the header's text; returns its path."""
    (folder / "tracking").mkdir()
    (folder / "tracking/c.h").write_text(header)
    bodies = (f"{text} {{{'' if text.startswith('void ') else ' return 0; '}}}\n" for text in functions(header).values())
    (folder / "interface.c").write_text("#include <tracking/c.h>\n" + "".join(bodies))
    exported = "".join(f" {name};" for name in functions(header))
    (folder / "symbols.map").write_text(f"TRACKING_C_{VERSION} {{ global:{exported} local: *; }};\n")
    library = folder / "libtracking_c.so"
    subprocess.run(["cc", "-g2", "-gdwarf-4", "-shared", "-fPIC", "-I", folder, folder / "interface.c", "-o", library,
                    f"-Wl,-soname,libtracking_c.so.{VERSION}", f"-Wl,--version-script={folder / 'symbols.map'}"],
                   check=True)
    return library


def text_of(library):
    written = subprocess.run(["abidw", "--exported-interfaces-only", "--no-corpus-path", "--no-comp-dir-path",
                              "--no-show-locs", "--no-elf-needed", "--short-locs", library], stdout=subprocess.PIPE,
                             text=True, check=True).stdout
    return re.sub(r"(?m)[ \t]+$", "", written)


def main():
    with tempfile.TemporaryDirectory() as folder:
        text = text_of(build(HEADER.read_text(encoding="utf-8"), pathlib.Path(folder)))
    if "--write" in sys.argv[1:]:
        BASELINE.write_text(text)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
