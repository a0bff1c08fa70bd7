"""The Compose file, as far as it can be checked without an engine: what the image makes of it, Neo4j itself judges."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from saedb.cypher.server import java, launch
from saedb.cypher.server.layout import Layout
from saedb.cypher.server.own import megabytes
from saedb.cypher.server.settings import Ports, memory

DOCKER = Path(__file__).parents[1] / "docker"
CONTROL = {"NEO4J_AUTH_PATH", "NEO4J_PLUGINS"}
"""Variables that the image's start script reads itself and does not turn into settings."""
SECRET = "/run/secrets/neo4j_auth"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    return _compose()["services"]["neo4j"]


def _compose(name: str = "compose.yml") -> dict[str, Any]:
    """Return a file with the defaults of its variables, as Compose reads it."""
    text = (DOCKER / name).read_text().replace("!override", "")
    return yaml.safe_load(re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text))


def _encrypted(service: dict[str, Any]) -> dict[str, Any]:
    """Return the service with what the second file puts over it."""
    over = _compose("tls.yml")["services"]["neo4j"]
    return {**service, **over, "environment": {**service["environment"], **over["environment"]}}


def _settings(environment: dict[str, str]) -> dict[str, str]:
    """Return the settings that the image's start script makes of the variables: _ is a dot, __ is an underscore."""
    names = [name for name in environment if name not in CONTROL and not name.endswith("_FILE")]
    return {re.sub("_+", _dots, name.removeprefix("NEO4J_")): environment[name] for name in names}


def _dots(match: re.Match[str]) -> str:
    return match[0].replace("_", ".").replace("..", "_")


def test_the_image_is_the_long_supported_community(service: dict[str, Any]) -> None:
    assert service["image"] == "neo4j:5.26-community"
    assert service["environment"]["NEO4J_PLUGINS"] == '["graph-data-science"]'


def test_the_ports_are_open_on_this_machine_only(service: dict[str, Any]) -> None:
    assert service["ports"] == ["127.0.0.1:7474:7474", "127.0.0.1:7687:7687"]
    assert "network_mode" not in service


def test_bolt_is_open_to_others_only_with_certificates(service: dict[str, Any]) -> None:
    encrypted = _encrypted(service)
    assert encrypted["ports"] == ["127.0.0.1:7474:7474", "7687:7687"]
    settings = _settings(encrypted["environment"])
    assert settings["server.bolt.tls_level"] == "REQUIRED"
    assert settings["dbms.ssl.policy.bolt.enabled"] == "true"


def test_the_password_is_in_a_file_and_in_no_environment(service: dict[str, Any]) -> None:
    assert _compose()["secrets"] == {"neo4j_auth": {"file": "./secret/neo4j_auth"}}
    assert service["secrets"] == ["neo4j_auth"]
    assert service["environment"]["NEO4J_AUTH_PATH"] == SECRET
    assert not {"NEO4J_AUTH", "NEO4J_AUTH_FILE", "NEO4J_PASSWORD"} & set(service["environment"])
    assert "secret/" in (DOCKER / ".gitignore").read_text().split()


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_the_health_check_asks_the_database_and_shows_no_password_to_other_processes(
    service: dict[str, Any], tmp_path: Path, is_encrypted: bool
) -> None:
    """The command runs with a stand-in for cypher-shell that writes down what it is given."""
    kind, command = (_encrypted(service) if is_encrypted else service)["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    secret, shell = tmp_path / "auth", tmp_path / "cypher-shell"
    secret.write_text("neo4j/pa55word")
    shell.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/arguments\necho "$NEO4J_PASSWORD" > {tmp_path}/password\n')
    shell.chmod(0o755)
    subprocess.run(
        ["sh", "-c", command.replace("$$", "$").replace(SECRET, str(secret))],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        check=True,
    )
    assert (tmp_path / "password").read_text() == "pa55word\n"
    address = "--address bolt+ssc://127.0.0.1:7687 " if is_encrypted else ""
    assert (tmp_path / "arguments").read_text() == f"{address}--username neo4j --database neo4j RETURN 1\n"


def test_the_data_outlive_the_container(service: dict[str, Any]) -> None:
    volumes = dict(volume.split(":") for volume in service["volumes"])
    assert volumes["data"] == "/data"
    assert set(volumes) == set(_compose()["volumes"])


def test_nothing_is_reported_to_anyone(service: dict[str, Any]) -> None:
    settings = _settings(service["environment"])
    assert settings["dbms.usage_report.enabled"] == settings["client.allow_telemetry"] == "false"


def test_the_memory_is_that_of_a_laptop_with_16_gb(service: dict[str, Any]) -> None:
    settings = _settings(service["environment"])
    share = memory(16 * 2**30)
    assert megabytes(settings, "server.memory.heap.max_size") == pytest.approx(share.heap, rel=0.1)
    assert megabytes(settings, "server.memory.pagecache.size") == pytest.approx(share.page_cache, rel=0.1)
    assert megabytes(settings, "db.memory.transaction.max") == pytest.approx(share.transaction, rel=0.1)


@pytest.mark.parametrize("is_spoilt", [False, True])
def test_neo4j_takes_every_setting(service: dict[str, Any], tmp_path: Path, is_spoilt: bool) -> None:
    environment = _encrypted(service)["environment"]
    settings = _settings(environment) | ({"server.memory.page_cache": "1g"} if is_spoilt else {})
    layout = Layout(tmp_path)
    launch.prepare(layout, Ports(bolt=7687, http=7474), memory(0))
    (layout.conf / "neo4j.conf").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    # The admin tool that saedb calls elsewhere does not know this command.
    admin = "org.neo4j.server.startup.Neo4jAdminCommand"
    command = [str(java.find().executable), f"@{layout.arguments}", admin, "server", "validate-config"]
    answer = subprocess.run(command, env=launch.environment(layout), capture_output=True, text=True, check=False)
    assert (answer.returncode == 0) == (not is_spoilt), answer.stdout
    assert ("Unrecognized setting" in answer.stdout + answer.stderr) == is_spoilt


def test_the_guide_names_every_variable() -> None:
    variables = re.findall(r"\$\{(\w+):-", (DOCKER / "compose.yml").read_text())
    guide = (DOCKER / "README.md").read_text()
    assert variables
    assert [name for name in variables if f"`{name}`" not in guide] == []


def test_the_guides_commands_make_the_file_that_compose_mounts(tmp_path: Path) -> None:
    commands = re.findall(r"^    (.*secret.*)$", (DOCKER / "README.md").read_text(), re.MULTILINE)[:3]
    (tmp_path / "docker").mkdir()
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine")
    subprocess.run(["sh", "-ec", "\n".join(commands)], cwd=tmp_path, check=True)
    assert re.fullmatch(r"neo4j/[0-9a-f]{32}", (tmp_path / "docker/secret/neo4j_auth").read_text())
