#!/usr/bin/env python3
"""Counts the instructions of the hot path by callgrind, and compares with what is recorded.

    tests/instructions/count.py PROGRAM --build KEY            fails if a path takes over 3 % more than recorded
    tests/instructions/count.py PROGRAM --build KEY --record   writes the counts of this build into recorded.json

Instructions, unlike time, are the same on a busy machine. They depend on the compiler, its flags, the C library, and what
valgrind makes of them, so 3 % mean something only against a record of the same ones: each record names them. Where there
is none, the counts are held against the highest of the others, with a bound that no choice of compiler explains.
The C library chooses its copying code by the processor: it is told to leave out what not every x86-64 has, so that a record
holds on every machine.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys

RECORDS = pathlib.Path(__file__).resolve().parent / "recorded.json"
PATHS = ("hot_decode", "hot_track", "hot_deliver")
TOLERANCE = 0.03
TOLERANCE_OF_OTHERS = 1.0  # a guess: another compiler, not another algorithm
SAME_COPYING_CODE = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM,-SSSE3,-SSE4_1,-SSE4_2"}


def count(program, path):
    """Instructions for each event inside the function."""
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no",
                           f"--toggle-collect={path}", str(program)], capture_output=True, text=True, check=False,
                          env=os.environ | SAME_COPYING_CODE)
    events = re.search(r"^events (\d+)$", done.stdout, re.MULTILINE)
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not events or not collected or collected[1] == "0":
        sys.exit(f"{program} under callgrind ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return int(collected[1]) / int(events[1])


def key_of(build):
    valgrind = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    return "; ".join([" ".join(build.split()), platform.machine(), " ".join(platform.libc_ver()), valgrind])


def reference(records, key):
    """The record to compare with, and how much more is too much."""
    if key in records:
        return records[key], TOLERANCE
    print(f"There is no record of this build ({key}), so only what doubles is found. To make one:\n"
          f"  {shlex.join(sys.argv)} --record")
    return {path: max(record[path] for record in records.values()) for path in PATHS}, TOLERANCE_OF_OTHERS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--build", required=True)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    key = key_of(options.build)
    counts = {path: round(count(options.program, path), 1) for path in PATHS}
    records = json.loads(RECORDS.read_text()) if RECORDS.exists() else {}
    if options.record:
        records[key] = counts
        RECORDS.write_text(json.dumps(records, indent=2, sort_keys=True) + "\n")
    recorded, tolerance = reference(records, key)
    worse = False
    for path, value in counts.items():
        change = value / recorded[path] - 1
        worse |= change > tolerance
        print(f"{path:12} {value:8.1f} instructions an event, recorded {recorded[path]:8.1f}  {change:+.1%}"
              f"{'  REGRESSION' if change > tolerance else ''}")
    if worse:
        print(f"Over {tolerance:.0%} more than recorded. If it is worth that, say why in the commit and record it:\n"
              f"  {shlex.join(sys.argv)} --record")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
