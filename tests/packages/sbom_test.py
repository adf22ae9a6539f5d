"""The bill of materials names everything that the programs are compiled and linked with."""

import json
import os
import pathlib
import re
import subprocess

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["TRACKING_BUILD_DIR"])
BINARIES = [BUILD / "bin/tracking-httpd", BUILD / "bin/tracking-cli", pathlib.Path(os.environ["TRACKING_C_LIBRARY"])]


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(name="sbom", scope="module")
def the_sbom():
    return json.loads(output(SOURCE / "scripts/sbom"))


def sources_of_packages(names):
    """From which source packages these come: one library is cut into a package to run with and one to build with."""
    return set(output("dpkg-query", "--show", "--showformat=${source:Package}\n", *names).split())


def sources_of_files(files):
    # A merged /usr: dpkg knows libraries by their old names, too.
    found = subprocess.run(["dpkg", "--search", *files, *(file.removeprefix("/usr") for file in files)],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    owners = {line.split(": ")[1]: line.split(": ")[0].split(", ")[0] for line in found.splitlines()}
    unowned = [file for file in files if file not in owners and file.removeprefix("/usr") not in owners]
    assert not unowned, f"no package has {unowned}"
    return sources_of_packages(set(owners.values()))


def listed(sbom):
    names = {part["name"] for part in sbom["packages"]} - {"tracking"}
    # This one is empty, and brings the version that is Debian's default.
    names.update(re.findall(r"libboost[0-9.]+-dev", output("dpkg-query", "--show", "--showformat=${Depends}", "libboost-dev")))
    return sources_of_packages(names)


def test_it_is_an_spdx_document(sbom):
    assert sbom["spdxVersion"] == "SPDX-2.3" and sbom["dataLicense"] == "CC0-1.0"
    names = [part["SPDXID"] for part in sbom["packages"]]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", name) for name in names)
    related = {(each["spdxElementId"], each["relatedSpdxElement"]) for each in sbom["relationships"]}
    assert related == {("SPDXRef-DOCUMENT", "SPDXRef-tracking")} | \
        {("SPDXRef-tracking", name) for name in names if name != "SPDXRef-tracking"}
    for part in sbom["packages"]:
        assert part["versionInfo"] and part["licenseDeclared"] and part["downloadLocation"]


def test_every_library_that_is_linked_is_in_it(sbom):
    wanted = {name for binary in BINARIES for name in re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", binary))}
    paths = dict(re.findall(r"(\S+) => (/\S+) ", "".join(output("ldd", binary) for binary in BINARIES)))
    linked = [os.path.realpath(paths[name]) for name in wanted if not name.startswith("ld-linux")]
    assert len(linked) > 8
    missing = sources_of_files(linked) - listed(sbom)
    assert not missing


def test_every_header_that_is_compiled_is_in_it(sbom):
    """Of what ninja knows the objects of library and programs to depend on, outside of the tree and the compiler."""
    dependencies = output("ninja", "-C", BUILD, "-t", "deps")
    headers = set()
    for entry in dependencies.split("\n\n"):
        if re.match(r"(libtracking/(CMakeFiles|src)|apps|bindings/c)/", entry):
            headers |= set(re.findall(r"^\s+(/usr/include/.+)$", entry, re.MULTILINE))
    # One header of each library will do: of a folder the first, and of single files each.
    places = {}
    for header in sorted(headers):
        path = header.removeprefix("/usr/include/").removeprefix("x86_64-linux-gnu/")
        places.setdefault(path.split("/")[0], header)
    foreign = [header for place, header in places.items() if place not in ("c++", "linux", "asm", "asm-generic")]
    assert any("boost" in header for header in foreign) and any("rapidjson" in header for header in foreign)
    missing = sources_of_files(foreign) - listed(sbom)
    assert not missing
