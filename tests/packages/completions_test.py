"""What shells complete, asked of the shells themselves."""

import os
import pathlib
import pty
import re
import select
import subprocess
import time

import pytest

COMPLETIONS = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"]) / "packaging/completions"

# What is typed up to the place of the TAB, and some of the words that are offered there.
CASES = [
    ("tracking-cli ", {"subscribe", "track", "verify", "bench", "accounts", "help"}),
    ("tracking-cli subscribe --o", {"--output"}),
    ("tracking-cli sub --output ", {"text", "json", "raw"}),
    ("tracking-cli subscribe -o ", {"text", "json", "raw"}),
    ("tracking-cli track --ack ", {"sent", "stored"}),
    ("tracking-cli accounts de", {"deactivate"}),
    ("tracking-cli accounts --admin-token-file ./the-", {"./the-token"}),
    ("tracking-cli subscribe --url-f", {"--url-file"}),
    ("tracking-cli help ac", {"accounts"}),
    ("tracking-httpd --ba", set()),
    ("tracking-httpd --log-format ", {"text", "json"}),
    ("tracking-httpd --admin-token", {"--admin-token-file"}),
    ("tracking-httpd --config ./the-", {"./the-token"}),
    ("tracking-httpd --data-dir ./fol", {"./folder"}),
]


@pytest.fixture(name="folder", scope="module")
def a_folder_with_files(tmp_path_factory):
    path = tmp_path_factory.mktemp("completions")
    (path / "the-token").write_text("")
    (path / "folder").mkdir()
    return path


def run(*command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, check=True, text=True, timeout=60).stdout


def offered_by_bash(line, folder):
    """Calls the function as bash does after TAB."""
    words = line.split(" ")
    script = f"""
      compopt() {{ :; }}  # outside of a completion it fails
      for file in {COMPLETIONS}/bash/*; do . "$file"; done
      COMP_WORDS=({' '.join(repr(word) for word in words)})
      COMP_CWORD={len(words) - 1}
      _{words[0].replace('-', '_')}
      printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return set(run("bash", "--norc", "-c", script, folder=folder).split())


def offered_by_fish(line, folder):
    script = f"for file in {COMPLETIONS}/fish/*; source $file; end; complete -C {line!r}"
    offers = run("fish", "--no-config", "-c", script, folder=folder).splitlines()
    return {offer.split("\t")[0].rstrip("/") for offer in offers}


class Zsh:
    """A zsh on a terminal: outside of a line that is edited it completes nothing.

    Its TAB completes as ever, and beside that writes down what is offered (all of it comes through compadd).
    """

    SETUP = f"""
PS1=
fpath=({COMPLETIONS}/zsh $fpath)
autoload -Uz compinit && compinit -D -u
record() {{ local -a found; builtin compadd -O found "$@"; print -rl -- "offer:"$^found"|" >>offers; builtin compadd "$@" }}
ask() {{ function compadd {{ record "$@" }}; _main_complete; unfunction compadd; compstate[insert]=; compstate[list]= }}
zle -C ask complete-word ask && bindkey '^I' ask
finish() {{ print -r -- done >>offers; BUFFER= }}
zle -N finish && bindkey '^G' finish
print -r 'ready''-now'
"""

    def __init__(self, folder):
        self.offers = folder / "offers"
        process, self.terminal = pty.fork()
        if process == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], {"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(folder),
                                                   "LC_ALL": "C.UTF-8", "COLUMNS": "1000"})
        self.process = process
        self.type(self.SETUP.encode())
        self.wait(lambda text: "ready-now" in text)

    def type(self, text):
        os.write(self.terminal, text)

    def wait(self, condition):
        """Reads what it shows, until the condition on all that was shown is true."""
        text, end = "", time.monotonic() + 60
        while not condition(text):
            assert time.monotonic() < end, f"zsh shows {text!r}"
            if select.select([self.terminal], [], [], 0.05)[0]:
                text += os.read(self.terminal, 65536).decode("utf-8", "replace")

    def offered(self, line):
        self.offers.write_text("")
        self.type(line.encode() + b"\t\x07")
        self.wait(lambda _: "done\n" in self.offers.read_text())
        return {offer.rstrip("/") for offer in re.findall(r"offer:(.*)\|", self.offers.read_text())}

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.process, 0)


@pytest.fixture(name="offered_by", scope="module")
def asks_a_shell(folder):
    zsh = Zsh(folder)
    yield {"bash": offered_by_bash, "fish": offered_by_fish, "zsh": lambda line, _: zsh.offered(line)}
    zsh.close()


@pytest.mark.parametrize("line, expected", CASES, ids=[line for line, _ in CASES])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_offers(offered_by, shell, line, expected, folder):
    offered = offered_by[shell](line, folder)
    if shell == "zsh":  # it offers a file without its folder
        expected = {word.removeprefix("./") for word in expected}
    assert expected <= offered, offered
    if not expected:
        assert not offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_flag_that_takes_anything_is_followed_by_no_flag(offered_by, shell, folder):
    offered = offered_by[shell]("tracking-cli subscribe --url ", folder)
    assert not {word for word in offered if word.startswith("-")}


def test_the_form_with_an_equals_sign_is_completed_too(folder):
    script = f"""
      . {COMPLETIONS}/bash/tracking-cli
      COMP_WORDS=(tracking-cli subscribe --output = j) COMP_CWORD=4; _tracking_cli; echo "${{COMPREPLY[@]}}"
      COMP_WORDS=(tracking-cli subscribe --output =) COMP_CWORD=3; _tracking_cli; echo "${{COMPREPLY[@]}}"
    """
    assert run("bash", "--norc", "-c", script, folder=folder) == "json\ntext json raw\n"
