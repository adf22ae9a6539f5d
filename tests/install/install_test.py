"""The library as a stranger meets it: installed, moved, and used from outside the tree, static and shared."""

import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
HERE = SOURCE / "tests/install"
COMPILER = os.environ["TRACKING_CXX_COMPILER"]
VERSION = ".".join(re.findall(r"define TRACKING_VERSION_\w+ (\d+)",
                              (SOURCE / "libtracking/include/tracking/version.h").read_text()))
COMPONENTS = ["file", "http", "nats", "postgres", "sqlite", "testing"]
OPTIONAL_HEADERS = {f"{component}.h" for component in [*COMPONENTS, "c"]}
# With the same options and without the folder's name in the key, ccache serves what the build under test compiled.
ENVIRONMENT = os.environ | {"CCACHE_NOHASHDIR": "1"}
BUILD_TYPE = os.environ["TRACKING_BUILD_TYPE"]
CONFIGURE = ["-G", "Ninja", f"-DCMAKE_CXX_COMPILER={COMPILER}", f"-DCMAKE_BUILD_TYPE={BUILD_TYPE}",
             f"-DCMAKE_CXX_FLAGS_{BUILD_TYPE.upper()}={os.environ['TRACKING_CXX_FLAGS']}"]


def run(*command, env=None, check=True):
    done = subprocess.run([str(word) for word in command], env=ENVIRONMENT | (env or {}), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=600)
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done


def install(folder, *options):
    """Builds the libraries, installs them, and moves the installation; returns where it is now."""
    run("cmake", "-S", SOURCE, "-B", folder / "build", *CONFIGURE, "-DTRACKING_BUILD_APPS=OFF",
        "-DTRACKING_BUILD_TESTS=OFF", f"-DCMAKE_INSTALL_PREFIX={folder / 'first'}", *options)
    run("cmake", "--build", folder / "build", "-j", "2")
    run("cmake", "--install", folder / "build")
    (folder / "first").rename(folder / "moved")
    return folder / "moved"


@pytest.fixture(scope="session", params=["static", "shared"])
def installed(request, tmp_path_factory):
    shared = "ON" if request.param == "shared" else "OFF"
    prefix = install(tmp_path_factory.mktemp(request.param), f"-DBUILD_SHARED_LIBS={shared}")
    return request.param, prefix


@pytest.fixture(scope="session")
def minimal(tmp_path_factory):
    off = [f"-DTRACKING_WITH_{component.upper()}=OFF" for component in [*COMPONENTS, "c"]]
    return install(tmp_path_factory.mktemp("minimal"), *off)


def configure(prefix, folder, project, *options, check=True):
    return run("cmake", "-S", HERE / project, "-B", folder, *CONFIGURE, f"-DCMAKE_PREFIX_PATH={prefix}", *options,
               check=check)


def build_and_run(folder):
    run("cmake", "--build", folder)
    return run(folder / "consumer").stdout


def libdir(prefix):
    return next(prefix.glob("lib*/**/libtracking.*")).parent


def test_find_package_gives_every_component(installed, tmp_path):
    _, prefix = installed
    configure(prefix, tmp_path, "find_package")
    assert build_and_run(tmp_path) == f'{VERSION} {{"from":"outside"}}\n'


def test_pkg_config_gives_every_component(installed, tmp_path):
    kind, prefix = installed
    path = {"PKG_CONFIG_PATH": str(libdir(prefix) / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", *(["--static"] if kind == "static" else []),
                *(f"tracking-{component}" for component in COMPONENTS), env=path).stdout.split()
    program = tmp_path / "consumer"
    run(COMPILER, "-std=c++20", HERE / "consumer.cpp", "-o", program, *flags)
    assert run(program, env={"LD_LIBRARY_PATH": str(libdir(prefix))}).stdout == f'{VERSION} {{"from":"outside"}}\n'


def test_a_program_in_c_needs_no_cpp(installed, tmp_path):
    """By CMake in a project without C++, and by pkg-config with a C compiler alone."""
    _, prefix = installed
    configure(prefix, tmp_path, "c_consumer")
    assert build_and_run(tmp_path) == f"{VERSION} ok\n"
    path = {"PKG_CONFIG_PATH": str(libdir(prefix) / "pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "tracking-c", env=path).stdout.split()
    program = tmp_path / "by_pkg_config"
    run("cc", "-std=c99", "-Wall", "-Werror", HERE / "c_consumer/consumer.c", "-o", program, *flags)
    assert run(program, env={"LD_LIBRARY_PATH": str(libdir(prefix))}).stdout == f"{VERSION} ok\n"
    words = run("pkg-config", "--static", "--libs", "tracking-c", env=path).stdout.split()
    assert [word for word in words if not word.startswith("-L")] == ["-ltracking_c"]


def test_pkg_config_of_the_core_names_no_other_library(minimal):
    path = {"PKG_CONFIG_PATH": str(libdir(minimal) / "pkgconfig")}
    words = run("pkg-config", "--static", "--libs", "tracking", env=path).stdout.split()
    assert [word for word in words if not word.startswith("-L")] == ["-ltracking", "-pthread"]
    assert run("pkg-config", "--modversion", "tracking", env=path).stdout.strip() == VERSION


def test_the_minimal_preset_is_the_core_alone(minimal, tmp_path):
    headers = {header.name for header in (minimal / "include/tracking").iterdir()}
    assert "tracking.h" in headers and not headers & OPTIONAL_HEADERS
    configure(minimal, tmp_path, "one_component", "-DASK_COMPONENTS=tracking")
    assert build_and_run(tmp_path) == f"{VERSION} true\n"


def test_headers_of_built_components_are_installed(installed):
    _, prefix = installed
    in_tree = {header.name for folder in ("libtracking", "bindings/c")
               for header in (SOURCE / folder / "include/tracking").iterdir()}
    assert {header.name for header in (prefix / "include/tracking").iterdir()} == in_tree


def test_a_missing_component_is_an_error_that_names_what_is_there(minimal, tmp_path):
    done = configure(minimal, tmp_path, "one_component", "-DASK_COMPONENTS=http", check=False)
    message = " ".join(done.stdout.split())
    assert done.returncode != 0
    assert "The tracking installed here has no component 'http'. It has: tracking." in message
    assert "-DTRACKING_WITH_...=ON" in message


def test_a_missing_optional_component_is_no_error(minimal, tmp_path):
    done = configure(minimal, tmp_path, "one_component", "-DASK_OPTIONAL=http")
    assert "component http: FALSE" in done.stdout


def test_another_minor_version_is_refused(minimal, tmp_path):
    done = configure(minimal, tmp_path, "one_component", "-DASK_VERSION=0.999", check=False)
    assert done.returncode != 0 and "0.999" in done.stdout


def test_add_subdirectory_builds_the_library_and_nothing_else(tmp_path):
    # Our warnings are not asked for, so that a newer compiler cannot break a parent's build.
    run("cmake", "-S", HERE / "add_subdirectory", "-B", tmp_path, *CONFIGURE, f"-DTRACKING_SOURCE_DIR={SOURCE}",
        "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON")
    assert "-Werror" not in (tmp_path / "compile_commands.json").read_text()
    assert build_and_run(tmp_path) == f"{VERSION} true\n"


def test_shared_libraries_export_our_symbols_alone(installed):
    kind, prefix = installed
    libraries = [path for path in libdir(prefix).glob("libtracking*.so") if path.is_symlink()]
    assert len(libraries) == (2 + len(COMPONENTS) if kind == "shared" else 1)  # the C interface is always shared
    for library in libraries:
        symbols = [line.split(maxsplit=2)[-1] for line in
                   run("nm", "-D", "-C", "--defined-only", library).stdout.splitlines()]
        foreign = [symbol for symbol in symbols if not re.match(
            r"(typeinfo (name )?for |vtable for |VTT for |(non-)?virtual thunk to )?tracking(::|_)|TRACKING_C_\d+$", symbol)]
        assert symbols and not foreign, f"{library.name} exports {foreign[:5]}"
