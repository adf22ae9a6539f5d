"""What can be checked of compose/ without a container engine. compose/test.sh checks the rest with one."""

import os
import pathlib
import re
import subprocess

import pytest
import yaml

SOURCE = pathlib.Path(os.environ["TRACKING_SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["TRACKING_BUILD_DIR"])
DOCKERFILE = (SOURCE / "compose/Dockerfile").read_text(encoding="utf-8")
TEXT = (SOURCE / "compose/compose.yaml").read_text(encoding="utf-8")
SERVICES = yaml.safe_load(TEXT)["services"]
OURS = ("tracking", "client")

THE_MISSIONS_LINES = [
    "docker-compose up -d",
    "curl --request POST 'service.lvh.me' --header 'Content-Type: application/json' --data-raw '{\"account_id\":1,\"data\":\"foo\"}'",
    "docker exec -it tracking_client_1 sh",
    "./client --help",
]


def packages(*groups):
    done = subprocess.run([SOURCE / "scripts/install-packages", "--list", *groups], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def settings_of_env():
    """Of the root's .env: what it sets, and what it shows as a default."""
    lines = (SOURCE / ".env").read_text(encoding="utf-8").splitlines()
    found = [re.fullmatch(r"(#?)([A-Z_]+)=(.*)", line) for line in lines]
    groups = [match.groups() for match in found if match]
    return {name: value for mark, name, value in groups if not mark}, {name: value for mark, name, value in groups if mark}


@pytest.mark.parametrize("line", THE_MISSIONS_LINES)
def test_the_missions_lines_are_shown_and_run(line):
    assert line in (SOURCE / "README.md").read_text(encoding="utf-8")
    assert line in (SOURCE / "compose/test/scenario.sh").read_text(encoding="utf-8")


def test_the_root_names_the_file_and_the_project():
    settings, _ = settings_of_env()
    assert settings["COMPOSE_PROJECT_NAME"] == "tracking"
    assert (SOURCE / settings["COMPOSE_FILE"]).samefile(SOURCE / "compose/compose.yaml")


def test_every_variable_is_listed_with_its_default():
    _, shown = settings_of_env()
    used = dict(re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", TEXT))
    assert shown == used


def test_there_are_three_replicas_unless_told_otherwise_in_one_place():
    assert SERVICES["tracking"]["deploy"]["replicas"] == "${TRACKING_REPLICAS:-3}"


def test_every_image_can_be_named_by_the_environment():
    for name, service in SERVICES.items():
        assert re.fullmatch(r"\$\{[A-Z_]+_IMAGE:-[a-z./-]+:[a-z0-9.-]+\}", service["image"]), name


def test_only_what_all_three_composes_understand_is_used():
    """podman-compose 1.0.3 ignores conditions, profiles and aliases; the classic builder knows no RUN --mount."""
    for name, service in SERVICES.items():
        assert isinstance(service.get("depends_on", []), list), name
        assert not service.keys() & {"profiles", "networks", "links", "extends", "init", "configs", "secrets"}, name
    assert not re.search(r"\$\{[^}]*\$\{", TEXT), "nested variables"
    assert "--mount" not in DOCKERFILE


def test_our_containers_run_without_rights_on_a_read_only_root():
    assert "USER 10001:10001" in DOCKERFILE
    for name in (*OURS, "proxy"):
        assert SERVICES[name]["read_only"] is True, name
        assert SERVICES[name]["cap_drop"] == ["ALL"], name
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"], name


def test_only_the_proxy_is_published_and_only_on_loopback_unless_told_otherwise():
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    assert SERVICES["proxy"]["ports"] == ["${TRACKING_HTTP_ADDRESS:-127.0.0.1}:${TRACKING_HTTP_PORT:-80}:8080"]


def test_volumes_keep_what_must_not_be_lost():
    assert "accounts:/var/lib/postgresql/data" in SERVICES["postgres"]["volumes"]
    assert "events:/data" in SERVICES["nats"]["volumes"]


def test_the_final_images_have_the_programs_libraries_and_no_compiler():
    final = DOCKERFILE[DOCKERFILE.index(" AS base"):]
    assert re.findall(r"install-packages ([a-z ]+)", final) == ["image "]
    assert not packages("image") & packages("build", "test")


def test_the_image_group_has_what_the_programs_are_linked_with():
    """But for the libraries that every Debian has, since apt needs them."""
    needed = set()
    for program in ("tracking-httpd", "tracking-cli"):
        done = subprocess.run(["objdump", "-p", BUILD / "bin" / program], check=True, capture_output=True, text=True)
        needed |= set(re.findall(r"NEEDED\s+(\S+)", done.stdout))
    installed = packages("image") | {"libc6", "libgcc-s1", "libstdc++6"}
    for library in needed:
        done = subprocess.run(["dpkg-query", "-S", f"*/{library}"], check=True, capture_output=True, text=True)
        owners = {line.split(":")[0] for line in done.stdout.splitlines()}  # also of other architectures' copies
        assert owners & installed, f"{library} is of {owners}"


def test_the_proxys_configuration_is_valid():
    done = subprocess.run(["haproxy", "-c", "-f", SOURCE / "compose/haproxy.cfg"], check=False, text=True, capture_output=True,
                          env=os.environ | {"TRACKING_HOSTS": "service.lvh.me service.localhost"})
    assert done.returncode == 0, done.stderr


def test_the_proxy_serves_the_missions_hosts():
    assert "${TRACKING_HOSTS:-service.lvh.me service.localhost}" in TEXT
