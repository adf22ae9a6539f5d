"""What ctypes is told about the library is what <tracking/c.h> says."""

import ctypes
import os
import pathlib
import re
import subprocess

import tracking
from tracking import _errors, _library, _version

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
HEADER = (SOURCE / "bindings/c/include/tracking/c.h").read_text(encoding="utf-8")
STRUCTURES = {f"tracking_{name.lower()}": structure for name, structure in vars(_library).items()
              if isinstance(structure, type) and issubclass(structure, ctypes.Structure) and name != "Structure"}
PLAIN = {"void": None, "size_t": ctypes.c_size_t, "int32_t": ctypes.c_int32, "uint32_t": ctypes.c_uint32,
         "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64, "uint8_t": ctypes.c_uint8, "char": ctypes.c_char,
         "tracking_code": ctypes.c_int32, "tracking_completion": _library.Completion}
HANDLES = {"tracking_service", "tracking_subscriber"}


def declared_functions():
    """{name: (result, [argument, ...])} as text without names of parameters."""
    found = {}
    for result, name, parameters in re.findall(r"^TRACKING_C_API ([\w ]+?\**) ?(tracking_\w+)\(([^)]*)\)", HEADER,
                                               re.MULTILINE):
        arguments = [] if parameters.strip() == "void" else [
            re.sub(r"(.*?[\s*])\w+$", r"\1", " ".join(parameter.split())).strip() for parameter in parameters.split(",")]
        found[name] = (result.strip(), arguments)
    return found


def may_be(declared, told):
    """Whether what ctypes was told fits the declared type."""
    name = declared.replace("const ", "").replace(" ", "")
    stars = name.count("*")
    name = name.rstrip("*")
    if stars == 0:
        return told is PLAIN[name]
    if name in HANDLES:
        return told is (ctypes.c_void_p if stars == 1 else ctypes.POINTER(ctypes.c_void_p))
    if name == "char":
        return told in (ctypes.c_char_p, ctypes.c_void_p)
    if name == "void":
        return told is ctypes.c_void_p
    return told is ctypes.POINTER(STRUCTURES.get(name) or PLAIN[name])


def test_every_function_is_declared_as_in_the_header():
    declared = declared_functions()
    assert set(declared) == set(_library.FUNCTIONS) and len(declared) >= 15
    for name, (result, arguments) in declared.items():
        told_result, told_arguments = _library.FUNCTIONS[name]
        assert may_be(result, told_result), name
        assert len(arguments) == len(told_arguments), name
        for declared_argument, told in zip(arguments, told_arguments):
            assert may_be(declared_argument, told), f"{name}: {declared_argument}"


def test_every_structure_is_laid_out_as_the_compiler_does(tmp_path):
    assert len(STRUCTURES) == 7
    lines = []
    for name, structure in STRUCTURES.items():
        lines.append(f'printf("{name} %zu\\n", sizeof({name}));')
        lines += [f'printf("{name}.{field[0]} %zu %zu\\n", offsetof({name}, {field[0]}), sizeof((({name}*)0)->{field[0]}));'
                  for field in structure._fields_]
    program = tmp_path / "layout.c"
    program.write_text("#include <stdio.h>\n#include <tracking/c.h>\nint main(void) {\n" + "\n".join(lines) + "\n}\n")
    subprocess.run(["cc", f"-I{SOURCE / 'bindings/c/include'}", program, "-o", tmp_path / "layout"], check=True)
    printed = subprocess.run([tmp_path / "layout"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    expected = []
    for name, structure in STRUCTURES.items():
        expected.append(f"{name} {ctypes.sizeof(structure)}")
        expected += [f"{name}.{field} {getattr(structure, field).offset} {getattr(structure, field).size}"
                     for field, _ in structure._fields_]
    assert printed == expected


def test_every_member_is_declared():
    for name, structure in STRUCTURES.items():
        body = re.search(rf"typedef struct {name} \{{(.*?)\}} {name};", HEADER, re.DOTALL)[1]
        members = re.findall(r"(\w+)(?:\[\d+\])?;", re.sub(r"/\*.*?\*/", "", body, flags=re.DOTALL))
        assert members == [field for field, _ in structure._fields_]


def test_the_numbers_are_the_headers():
    numbers = {name: int(value) for name, value in re.findall(r"TRACKING_(\w+) = (\d+)", HEADER)}
    assert (_errors.OK, _errors.IN_DOUBT, _errors.CLOSED, _errors.TIMED_OUT) == tuple(
        numbers[name] for name in ("OK", "IN_DOUBT", "CLOSED", "TIMED_OUT"))
    by_class = {"UNKNOWN_ACCOUNT": tracking.UnknownAccount, "INACTIVE_ACCOUNT": tracking.InactiveAccount,
                "BROKER_UNAVAILABLE": tracking.Unavailable, "OVERLOADED": tracking.Unavailable,
                "IN_DOUBT": tracking.InDoubt, "CLOSED": tracking.Closed, "TOO_LARGE": tracking.Refused}
    for name, error in by_class.items():
        assert _errors._CLASSES[numbers[name]] is error


def test_the_versions_are_the_same():
    assert tracking.__version__ == _version.VERSION
