"""Recipe for Conan 2. Not tested here: the tests build on Debian's packages (scripts/install-packages)."""

import pathlib
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.gnu import PkgConfigDeps


class TrackingConan(ConanFile):
    name = "tracking"
    description = "Real-time event tracking: an embeddable engine, a daemon and a CLI"
    license = "Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False], "with_apps": [True, False], "with_http": [True, False],
               "with_nats": [True, False], "with_postgres": [True, False], "with_sqlite": [True, False]}
    default_options = {"shared": False, "with_apps": False, "with_http": True, "with_nats": True,
                       "with_postgres": True, "with_sqlite": True}
    exports_sources = ("CMakeLists.txt", "CHANGELOG.md", "LICENSE", "cmake/*", "libtracking/*", "apps/*", "bindings/c/*",
                       "docs/openapi.json", "packaging/*")

    def set_version(self):
        header = pathlib.Path(self.recipe_folder, "libtracking/include/tracking/version.h").read_text(encoding="utf-8")
        self.version = ".".join(re.findall(r"define TRACKING_VERSION_\w+ (\d+)", header))

    def requirements(self):
        if self.options.with_http or self.options.with_apps:
            self.requires("cpp-httplib/[>=0.11]")
            self.requires("rapidjson/[*]")
        if self.options.with_nats:
            self.requires("cnats/[>=3.4]")
        if self.options.with_postgres:
            self.requires("libpqxx/[>=6.4]")
            self.requires("libpq/[>=11]")
        if self.options.with_sqlite:
            self.requires("sqlite3/[>=3.40]")
        if self.options.with_apps:
            self.requires("boost/[>=1.74]")
            self.requires("cxxopts/[>=3]")
            self.requires("prometheus-cpp/[>=1.0]")
            self.requires("tomlplusplus/[>=3.3]")
            self.requires("zlib/[>=1.2]")

    def build_requirements(self):
        self.tool_requires("pkgconf/[*]")  # by which CMake finds some of them

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.variables["TRACKING_BUILD_APPS"] = bool(self.options.with_apps)
        toolchain.variables["TRACKING_BUILD_TESTS"] = False
        toolchain.variables["TRACKING_WERROR"] = False
        for component in ("http", "nats", "postgres", "sqlite"):
            toolchain.variables[f"TRACKING_WITH_{component.upper()}"] = bool(self.options.get_safe(f"with_{component}"))
        if self.options.with_apps:
            toolchain.variables["TRACKING_WITH_HTTP"] = True  # tracking-cli is linked with it
        toolchain.generate()
        CMakeDeps(self).generate()
        PkgConfigDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()

    def package_info(self):
        # Users take the package's own trackingConfig.cmake, which knows its components.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/tracking"]
