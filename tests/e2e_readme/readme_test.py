"""README.md does what it says: its transcripts are run against a demo daemon, its C++ is compiled and run.

A comment before a code block says what is done with it:
  <!-- run: against a demo daemon -->   a console transcript: commands after `$ `, then what they print
  <!-- compile -->                      a program, or the heart of one
  <!-- compile: with a daemon -->       the same, talking to a daemon on the default port
  <!-- run by ... -->                   another test runs it
Times, ids and ports may differ; `…` stands for any text.
"""

import os
import pathlib
import re
import subprocess

import pytest

from e2e_support import Daemon, seconds
from e2e_support.readme import README, blocks

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["TRACKING_BUILD_DIR"])


@pytest.fixture
def daemon():
    with Daemon(demo=True) as daemon:
        yield daemon


def transcript_steps(text):
    """[(command, what it prints), ...]"""
    steps = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not steps[0], f"output before the first command: {steps[0]}"
    return [(command, output) for command, _, output in (step.partition("\n") for step in steps[1:])]


def pattern_of(output):
    """A regular expression for output as printed in the README."""
    variable = [(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",) * 2, (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",) * 2,
                ("…", ".*")]
    shape = re.compile("|".join(f"({shown})" for shown, _ in variable))
    pattern, end = "", 0
    for match in shape.finditer(output):
        pattern += re.escape(output[end:match.start()]) + variable[match.lastindex - 1][1]
        end = match.end()
    return pattern + re.escape(output[end:])


def test_transcripts_print_what_is_shown(daemon):
    environment = os.environ | {"PATH": f"{BUILD / 'bin'}:{os.environ['PATH']}", "TRACKING_URL": daemon.url,
                                "TRACKING_ADMIN_URL": daemon.admin_url}
    for text in blocks("run: against a demo daemon", "console"):
        for command, expected in transcript_steps(text):
            done = subprocess.run(["bash", "-c", command.replace("http://127.0.0.1:8080", daemon.url)], env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                                  timeout=seconds(20))
            assert done.returncode == 0, f"{command}\nended with {done.returncode}: {done.stdout}{done.stderr}"
            printed = done.stdout if not done.stdout or done.stdout.endswith("\n") else done.stdout + "\n"
            assert re.fullmatch(pattern_of(expected), printed), f"{command}\nprinted\n{printed}instead of\n{expected}"


PREAMBLE = """
#include <tracking/tracking.h>
#include <iostream>
[[maybe_unused]] static const std::string saved = "all";
[[maybe_unused]] static const std::vector<tracking::Account> my_accounts{{.id = 1, .name = "one"}};
[[maybe_unused]] static void warn(const std::string& reason, std::optional<std::uint64_t>) { std::cout << "gap " << reason << '\\n'; }
[[maybe_unused]] static void use(tracking::AccountId account, std::string_view data) { std::cout << account << ' ' << data << '\\n'; }
[[maybe_unused]] static void save(const std::string&) { std::cout.flush(); std::_Exit(0); }
"""


def whole_program(text, ending=""):
    """A block with main() as it is; the heart of a program gets one around it, and the names that it uses."""
    if "int main()" in text:
        return text
    includes = "".join(re.findall(r"^#include.*\n", text, re.MULTILINE))
    heart = re.sub(r"^#include.*\n", "", text, flags=re.MULTILINE)
    return f"{includes}{PREAMBLE}int main() {{\n{heart}{ending}}}\n"


def compile_and_run(source, folder):
    file, program = folder / "program.cpp", folder / "program"
    file.write_text(source)
    libraries = [BUILD / "libtracking/src/http/libtracking_http.a", BUILD / "libtracking/libtracking.a"]
    flags = subprocess.run(["pkg-config", "--libs", "cpp-httplib"], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    done = subprocess.run([os.environ["TRACKING_CXX_COMPILER"], "-std=c++20", "-Wall", "-Wextra", "-Werror",
                           f"-I{SOURCE / 'libtracking/include'}", file, "-o", program, *libraries, *flags, "-pthread"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{source}\ndoes not compile:\n{done.stdout}"
    done = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=seconds(20))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_whole_system_runs_in_one_process(tmp_path):
    program = next(text for text in blocks("compile", "cpp") if "int main()" in text)
    assert re.fullmatch(r'\{"id":"[^"]+","account_id":1,.*"data":"foo"\}\n', compile_and_run(program, tmp_path))


def test_a_broker_of_ones_own_is_one_function(tmp_path):
    heart = next(text for text in blocks("compile", "cpp") if "StdoutBroker" in text)
    track = 'return service->track({.account_id = 1, .data = "42"}).is_ok() ? 0 : 1;\n'
    assert re.fullmatch(r'\{.*"account_id":1,.*"data":42\}\n', compile_and_run(whole_program(heart, track), tmp_path))


def test_the_same_door_opens_at_a_distance(daemon, tmp_path):
    assert daemon.post({"account_id": 3, "data": "foo"}).status == 202
    heart, = blocks("compile: with a daemon", "cpp")
    source = whole_program(heart).replace("http://127.0.0.1:8080", daemon.url)
    assert compile_and_run(source, tmp_path) == '3 "foo"\n'


def test_every_command_and_program_is_marked():
    """A block that looks runnable and is not tested would rot."""
    unmarked = [text for language, text in re.findall(r"(?<!-->\n)^```(console|cpp)\n(.*?)^```$", README,
                                                     re.MULTILINE | re.DOTALL)]
    assert unmarked == []
