"""vcpkg.json and conanfile.py name what CMake looks for. Neither tool is here: what they make of it is not tested."""

import importlib.util
import json
import os
import pathlib
import re
import sys
import types

import pytest

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
COMPONENTS = ("http", "nats", "postgres", "sqlite")
APPS = ("apps", "apps/common", "apps/httpd", "apps/httpd/server")

# What CMake asks for, and the packages of vcpkg and of Conan that have it.
PACKAGES = {"Boost": ({"boost-asio", "boost-beast"}, "boost"), "ZLIB": ({"zlib"}, "zlib"), "cxxopts": ({"cxxopts"}, "cxxopts"),
            "RapidJSON": ({"rapidjson"}, "rapidjson"), "rapidjson/document.h": ({"rapidjson"}, "rapidjson"),
            "toml++/toml.h": ({"tomlplusplus"}, "tomlplusplus"), "cpp-httplib": ({"cpp-httplib"}, "cpp-httplib"),
            "prometheus-cpp-core": ({"prometheus-cpp"}, "prometheus-cpp"), "libnats": ({"cnats"}, "cnats"),
            "libpqxx": ({"libpqxx"}, "libpqxx"), "libpq": ({"libpq"}, "libpq"), "sqlite3": ({"sqlite3"}, "sqlite3")}


def asked_for(*folders):
    """By the CMakeLists.txt of these folders: modules of pkg-config, packages of CMake, headers."""
    names = set()
    for folder in folders:
        text = (SOURCE / folder / "CMakeLists.txt").read_text()
        names.update(re.findall(r"find_package\((\w+)", text))
        names.update(re.findall(r"find_path\(\w+ (\S+)", text))
        names.update(re.findall(r"pkg_check_modules\(\w+ .*?([\w-]+)\)", text))
        for modules in re.findall(r"^\s*PKG_CONFIG (.+?)\)?$", text, re.MULTILINE):
            names.update(modules.split())
    return names - {"PkgConfig", "Threads"}


def asked_for_component(name):
    return asked_for(f"libtracking/src/{name}")


def version():
    header = (SOURCE / "libtracking/include/tracking/version.h").read_text()
    return ".".join(re.findall(r"define TRACKING_VERSION_\w+ (\d+)", header))


def test_this_test_knows_all_that_cmake_asks_for():
    every = {path.parent.relative_to(SOURCE).as_posix() for folder in ("libtracking/src", "apps", "bindings/c")
             for path in (SOURCE / folder).rglob("CMakeLists.txt")}
    asking = {folder for folder in every if asked_for(folder)}
    assert asking == {f"libtracking/src/{name}" for name in COMPONENTS} | set(APPS[1:])
    assert set().union(*map(asked_for, asking)) == set(PACKAGES)


def test_vcpkg_names_what_cmake_asks_for():
    manifest = json.loads((SOURCE / "vcpkg.json").read_text())
    assert manifest["version-semver"] == version() and "Not tested" in manifest["$comment"]
    assert set(manifest["features"]) == set(manifest["default-features"]) == {"apps", *COMPONENTS}

    def named(feature):
        return {each for each in manifest["features"][feature]["dependencies"] if isinstance(each, str)}

    for name in COMPONENTS:
        assert named(name) == set().union(*(PACKAGES[asked][0] for asked in asked_for_component(name))), name
    # With the apps comes the component http, which they are linked with.
    of_apps = set().union(*(PACKAGES[asked][0] for asked in asked_for(*APPS)))
    assert named("apps") | named("http") == of_apps | named("http")
    assert {"name": "tracking", "default-features": False, "features": ["http"]} in manifest["features"]["apps"]["dependencies"]


@pytest.fixture(name="recipe")
def the_recipe(monkeypatch):
    """The class of conanfile.py, over stand-ins for the classes of Conan that it uses."""
    class Toolchain:
        def __init__(self, recipe):
            self.variables = recipe.variables = {}

        def generate(self):
            pass

    def generator(name):
        def make(recipe):
            return types.SimpleNamespace(generate=lambda: recipe.generated.append(name))
        return make

    modules = {"conan": {"ConanFile": object}, "conan.tools": {},
               "conan.tools.cmake": {"CMake": object, "CMakeDeps": generator("CMakeDeps"), "CMakeToolchain": Toolchain,
                                     "cmake_layout": None},
               "conan.tools.gnu": {"PkgConfigDeps": generator("PkgConfigDeps")}}
    for name, members in modules.items():
        module = types.ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    spec = importlib.util.spec_from_file_location("conanfile", SOURCE / "conanfile.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(module, **options):
    recipe = next(each for each in vars(module).values() if isinstance(each, type) and each.__name__ == "TrackingConan")()
    chosen = {name: False for name in recipe.options} | options
    recipe.options = types.SimpleNamespace(**chosen, get_safe=chosen.get)
    recipe.recipe_folder, recipe.required, recipe.generated = SOURCE, set(), []
    recipe.requires = lambda reference: recipe.required.add(reference.split("/")[0])
    recipe.tools = set()
    recipe.tool_requires = lambda reference: recipe.tools.add(reference.split("/")[0])
    recipe.requirements()
    recipe.build_requirements()
    recipe.generate()
    return recipe


@pytest.mark.parametrize("name", COMPONENTS)
def test_conan_requires_what_cmake_asks_for(recipe, name):
    of_component = made(recipe, **{f"with_{name}": True})
    assert of_component.required == {PACKAGES[asked][1] for asked in asked_for_component(name)}
    # CMake finds by pkg-config, too.
    assert of_component.generated == ["CMakeDeps", "PkgConfigDeps"] and of_component.tools == {"pkgconf"}
    assert of_component.variables[f"TRACKING_WITH_{name.upper()}"] is True
    assert sum(value is True for value in of_component.variables.values()) == 1


def test_conan_requires_what_the_apps_ask_for(recipe):
    of_apps = made(recipe, with_apps=True)
    assert of_apps.required == {PACKAGES[asked][1] for asked in asked_for(*APPS)}
    # They are linked with the component http.
    assert of_apps.variables["TRACKING_BUILD_APPS"] is True and of_apps.variables["TRACKING_WITH_HTTP"] is True
    of_apps.set_version()
    assert of_apps.version == version()
    assert "Not tested" in recipe.__doc__


def test_conan_takes_along_what_the_build_reads(recipe):
    """Files of the tree that the build of library, programs and C interface names."""
    patterns = made(recipe).exports_sources
    for folder in ("libtracking", "apps", "bindings/c", "cmake"):
        for path in (SOURCE / folder).rglob("*"):
            if path.name == "CMakeLists.txt" or path.suffix == ".cmake":
                for named in re.findall(r"\$\{PROJECT_SOURCE_DIR\}/([\w./-]+)", path.read_text()):
                    if re.match(r"(tests|bench|build|docs/Doxyfile)\b", named):
                        continue
                    assert any(pathlib.PurePath(named).match(each) or named.startswith(each.rstrip("*").rstrip("/"))
                               for each in patterns), f"{path} reads {named}"
