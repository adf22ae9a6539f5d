"""The Debian packages as README.md has them made."""

import os
import pathlib
import shutil
import tempfile

import pytest

from package_roots import INSTALL, MAKE, SOURCE, field, run


@pytest.fixture(name="tree", scope="session")
def a_copy_of_the_tree_with_the_packages_made():
    """A folder of its own: nobody else's build is disturbed. A compiler's cache takes it for the place it knows."""
    with tempfile.TemporaryDirectory(prefix="tracking-tree-") as folder:
        tree = pathlib.Path(folder) / "tracking"
        listed = run("git", "-C", SOURCE, "ls-files", "-z", "--cached", "--others", "--exclude-standard").stdout
        for name in filter(None, listed.split("\0")):
            if (SOURCE / name).exists():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(SOURCE / name, tree / name, follow_symlinks=False)
        # One compiler at a time: other tests run beside this one, and some of them look at the clock.
        environment = os.environ | {"CMAKE_BUILD_PARALLEL_LEVEL": "1"}
        if shutil.which("ccache"):
            environment |= {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache", "CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1",
                            "CCACHE_DEPEND": "1",
                            "CCACHE_SLOPPINESS": "pch_defines,time_macros,include_file_mtime,include_file_ctime"}
        assert MAKE and INSTALL
        for line in MAKE:
            run("sh", "-euc", line, cwd=tree, env=environment)
        yield tree


@pytest.fixture(name="build", scope="session")
def the_build(tree):
    return tree / "build/package"


@pytest.fixture(name="packages", scope="session")
def the_packages(build):
    """The packages by their names: {"tracking-cli": path}."""
    return {field(path, "Package"): path for path in build.glob("*.deb")}
