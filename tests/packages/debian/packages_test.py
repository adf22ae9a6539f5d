"""What the Debian packages hold."""

import os
import re
import stat

from package_roots import SOURCE, UNIT, field, run


def files_under(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


def test_there_are_four_and_the_librarys_name_follows_its_soname(packages, build):
    soname = run("readelf", "-d", build / "bindings/c/libtracking_c.so").stdout
    number = re.search(r"SONAME.*\[libtracking_c\.so\.(\d+)\]", soname)[1]
    assert set(packages) == {f"libtracking-c{number}", "libtracking-dev", "tracking-httpd", "tracking-cli"}
    version = re.search(r"^tracking \((.*)\)", (SOURCE / "packaging/debian/changelog").read_text())[1]
    assert {field(path, "Version") for path in packages.values()} == {version}
    assert f"libtracking-c{number} (= {version})" in field(packages["libtracking-dev"], "Depends")


def test_they_hold_what_cmake_installs(packages, build, tmp_path):
    unpacked, installed = tmp_path / "unpacked", tmp_path / "installed"
    for package in packages.values():
        run("dpkg-deb", "--extract", package, unpacked)
    run("cmake", "--install", build, env=os.environ | {"DESTDIR": str(installed)})
    assert files_under(unpacked) == files_under(installed)
    modes = {name: stat.S_IMODE((unpacked / name).lstat().st_mode) for name in files_under(unpacked)}
    assert modes == {name: stat.S_IMODE((installed / name).lstat().st_mode) for name in modes}


def test_no_file_is_in_two_of_them(packages, tmp_path):
    owners = {}
    for name, package in packages.items():
        run("dpkg-deb", "--extract", package, tmp_path / name)
        for file in files_under(tmp_path / name):
            owners.setdefault(file, []).append(name)
    assert not {file: names for file, names in owners.items() if len(names) > 1}
    for name in ("tracking-httpd", "tracking-cli"):
        for file in (f"usr/bin/{name}", f"usr/share/bash-completion/completions/{name}",
                     f"usr/share/zsh/vendor-completions/_{name}", f"usr/share/fish/vendor_completions.d/{name}.fish"):
            assert owners[file] == [name]
    assert owners["usr/share/man/man8/tracking-httpd.8.gz"] == owners[UNIT] == ["tracking-httpd"]
    assert sum(file.startswith("usr/share/man/man1/tracking-cli") for file in owners) == 6


def test_lintian_has_no_errors(packages):
    run("lintian", "--fail-on", "error", "--allow-root", *packages.values())


def test_programs_and_library_are_hardened(packages, tmp_path):
    """By the flags of the preset: the code lies anywhere, tables of functions are read-only, buffers are watched over."""
    for package in packages.values():
        run("dpkg-deb", "--extract", package, tmp_path)
    for file in (tmp_path / "usr/bin/tracking-httpd", tmp_path / "usr/bin/tracking-cli", *tmp_path.glob("usr/lib/*/libtracking_c.so.1")):
        described = run("readelf", "--wide", "--file-header", "--program-headers", "--dynamic", "--dyn-syms", file).stdout
        assert re.search(r"Type:\s+DYN", described) and "GNU_RELRO" in described and "BIND_NOW" in described, file
        assert re.search(r"GNU_STACK.* RW  ", described), file
        assert "__stack_chk_fail" in described and re.search(r"__\w+_chk\b(?<!__stack_chk)", described), file


def test_what_they_recommend_is_what_the_build_needs(packages):
    """Nothing of another name, which APT would pass over in silence."""
    recommended = set(field(packages["libtracking-dev"], "Recommends").split(", "))
    assert recommended <= set(run(SOURCE / "scripts/install-packages", "--list", "build").stdout.split())
