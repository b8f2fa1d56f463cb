"""The container files keep their promises: no secret, no root, nothing unnamed, nothing started before it is ready."""

import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CLUSTER: dict[str, Any] = yaml.safe_load((ROOT / "scripts/cluster/docker-compose.yml").read_text(encoding="utf-8"))
OURS = ("migrate", "app", "worker")
LONG_LIVED = sorted(set(SERVICES) - {"migrate"})


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile as (INSTRUCTION, rest), comments left out and continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [
        (word.upper(), rest) for line in joined.splitlines() if line.strip() for word, _, rest in [line.partition(" ")]
    ]


INSTRUCTIONS = instructions()
LAST_STAGE = INSTRUCTIONS[max(place for place, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]


def healthcheck_code(service: str) -> str:
    test = SERVICES[service]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-c"]
    return str(test[3])


# --- compose -----------------------------------------------------------------------------------------------------


def test_the_services_are_the_ones_that_the_market_needs():
    assert set(SERVICES) == {"postgres", "migrate", "app", "worker", "mailpit"}
    assert SERVICES["postgres"]["image"] == "postgres:18"


@pytest.mark.parametrize("name", LONG_LIVED)
def test_a_service_that_stays_says_when_it_is_well(name):
    healthcheck = SERVICES[name]["healthcheck"]
    assert healthcheck["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(healthcheck)
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ["app", "worker"])
def test_nothing_serves_before_the_schema_is_there(name):
    assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["migrate"]["restart"] == "no"


@pytest.mark.parametrize("name", SERVICES)
def test_every_volume_is_named_and_declared(name):
    for mount in SERVICES[name].get("volumes", []):
        source, _, target = mount.partition(":")
        assert source in COMPOSE["volumes"]
        assert target.startswith("/")


def test_the_database_keeps_its_data_where_the_image_of_version_18_puts_it():
    assert SERVICES["postgres"]["volumes"] == ["postgres-data:/var/lib/postgresql"]


def test_no_secret_has_a_default_and_each_says_how_to_make_one():
    seen = set()
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", str(value)):
                if re.search("SECRET|PASSWORD|TOKEN|KEY", name):
                    seen.add(name)
                    assert rest.startswith(":?")
                    assert "python3 -c" in rest
                    assert "secrets.token_" in rest
            if re.search("SECRET|PASSWORD|TOKEN|KEY", key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value))
    assert seen == {"DUIJIE_SECRET", "POSTGRES_PASSWORD"}


def test_the_advice_of_each_secret_makes_a_good_one():
    advice = set(re.findall(r"python3 -c '([^']+)'", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    assert len(advice) == 2
    for code in advice:
        made = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()
        assert re.fullmatch(r"[A-Za-z0-9_-]{32,}", made)  # long enough for the settings, plain enough for a URL


def test_no_address_carries_a_written_out_password():
    for service in SERVICES.values():
        for value in service.get("environment", {}).values():
            for password in re.findall(r"://[^:/@]+:(.+)@", str(value)):
                assert password.startswith("${POSTGRES_PASSWORD:?")


@pytest.mark.parametrize("name", OURS)
def test_our_services_run_in_production_and_with_few_rights(name):
    service = SERVICES[name]
    environment = service["environment"]
    assert environment["DUIJIE_MODE"] == "production"
    assert environment["DUIJIE_DATABASE_URL"].startswith("postgresql+asyncpg://duijie:${POSTGRES_PASSWORD:?")
    assert environment["DUIJIE_DATABASE_URL"].endswith("}@postgres/duijie")
    assert "smtp://mailpit:1025" in environment["DUIJIE_SMTP_URL"]
    assert {"DUIJIE_SECRET", "DUIJIE_PUBLIC_URL"} <= set(environment)
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "user" not in service
    assert "privileged" not in service


@pytest.mark.parametrize("name", OURS)
def test_every_setting_that_is_passed_is_one_that_the_program_reads(name):
    from marketplace.settings import Settings

    known = {f"DUIJIE_{field.upper()}" for field in Settings.model_fields}
    assert set(SERVICES[name]["environment"]) <= known
    assert {key for word, rest in LAST_STAGE if word == "ENV" for key in re.findall(r"(DUIJIE_\w+)=", rest)} <= known


@pytest.mark.parametrize("name", SERVICES)
def test_ports_open_to_this_machine_only_unless_asked(name):
    for port in SERVICES[name].get("ports", []):
        assert re.match(r"127\.0\.0\.1:|\$\{DUIJIE_LISTEN:-127\.0\.0\.1:", port)


@pytest.mark.parametrize("name", OURS)
def test_every_command_is_one_that_the_program_has(name):
    from typer import Typer
    from typer.main import get_command

    from marketplace import cli

    groups: list[Any] = [get_command(thing) for thing in vars(cli).values() if isinstance(thing, Typer)]
    program, verb, *options = SERVICES[name]["command"]
    assert program == "duijie"
    command = next(group for group in groups if {"serve", verb} <= set(getattr(group, "commands", ())))
    spoken = {
        spelling
        for parameter in command.commands[verb].params
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }
    assert {option for option in options if option.startswith("--")} <= spoken


def test_the_app_listens_outside_its_container_and_leaves_jobs_to_the_worker():
    assert SERVICES["app"]["command"] == ["duijie", "serve", "--host", "0.0.0.0", "--port", "8000", "--no-worker"]
    assert SERVICES["worker"]["command"] == ["duijie", "worker"]
    assert SERVICES["migrate"]["command"] == ["duijie", "migrate"]


@pytest.mark.parametrize("status", [200, 503])
def test_the_app_is_well_when_healthz_says_so(status):
    class Healthz(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Healthz) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        code = healthcheck_code("app").replace("8000", str(server.server_port))
        ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
        server.shutdown()
    assert (ended.returncode == 0) == (status == 200)


def test_the_worker_is_not_well_when_its_database_is_away():
    url = "postgresql+asyncpg://duijie:nothing@127.0.0.1:1/duijie"
    ended = subprocess.run(
        [sys.executable, "-c", healthcheck_code("worker")],
        check=False,
        timeout=30,
        capture_output=True,
        text=True,
        env={"DUIJIE_DATABASE_URL": url},
    )
    assert ended.returncode != 0
    assert "ConnectionRefusedError" in ended.stderr


# --- the cluster for rematches ---------------------------------------------------------------------------------------


def test_the_cluster_runs_the_same_image_with_few_rights_and_the_packages_it_needs():
    assert set(CLUSTER["services"]) == {"scheduler", "worker"}
    for service in CLUSTER["services"].values():
        assert service["build"] == {"context": "../..", "args": {"LOCK": "requirements-scale.lock"}}
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
        assert "no-new-privileges:true" in service["security_opt"]
    assert SERVICES["app"]["build"]["args"]["LOCK"] == "${DUIJIE_LOCK:-requirements-runtime.lock}"


def test_the_cluster_is_reached_from_this_machine_only_unless_asked():
    scheduler, worker = (CLUSTER["services"][name]["command"] for name in ("scheduler", "worker"))
    assert scheduler[scheduler.index("--host") + 1] == "${DUIJIE_CLUSTER_LISTEN:-127.0.0.1}"
    assert "${DUIJIE_SCHEDULER:-tcp://127.0.0.1:8786}" in worker


def test_workers_see_the_data_folder_where_the_market_has_it():
    [mount] = CLUSTER["services"]["worker"]["volumes"]
    assert mount == "market:/var/lib/duijie"
    assert "duijie-home:/var/lib/duijie" in SERVICES["app"]["volumes"]
    assert set(CLUSTER["volumes"]) == {"market"}


def test_the_commands_of_the_cluster_are_ones_that_dask_has():
    pytest.importorskip("distributed", reason="dask is not installed: pip install 'duijie[scale]'")
    from distributed.cli import dask_scheduler, dask_worker

    for name, command in (("scheduler", dask_scheduler.main), ("worker", dask_worker.main)):
        spoken = {spelling for one in command.params for spelling in (*one.opts, *one.secondary_opts)}
        program, verb, *rest = CLUSTER["services"][name]["command"]
        assert (program, verb) == ("dask", name)
        assert {option for option in rest if option.startswith("--")} <= spoken


# --- image -------------------------------------------------------------------------------------------------------


def test_the_image_is_built_in_stages_from_a_slim_python():
    froms = [rest for word, rest in INSTRUCTIONS if word == "FROM"]
    assert len(froms) >= 2
    assert all(rest.split()[0] == "python:3.11-slim" for rest in froms)
    assert [rest for word, rest in LAST_STAGE if word == "RUN" and "pip " in rest] == []


def test_the_image_does_not_run_as_root():
    users = [rest for word, rest in LAST_STAGE if word == "USER"]
    assert users == ["10001:10001"]
    assert LAST_STAGE.index(("USER", users[0])) > max(
        place for place, (word, _) in enumerate(LAST_STAGE) if word == "RUN"
    )


def test_every_dependency_of_the_image_is_pinned_by_its_hash():
    installs = [rest for word, rest in INSTRUCTIONS if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--no-deps --require-hashes -r $LOCK" in installs[0]
    assert ("ARG", "LOCK=requirements-runtime.lock") in INSTRUCTIONS
    assert {"--no-deps", "--no-build-isolation", "--no-index"} <= set(shlex.split(installs[1]))


def test_everything_that_is_copied_is_let_through_to_the_builder():
    let_through = {
        line.removeprefix("!").rstrip("/")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for word, rest in INSTRUCTIONS
        if word == "COPY" and not rest.startswith("--from")
        for source in rest.split()[:-1]
    }
    assert copied == let_through
    assert all((ROOT / source).exists() for source in copied)


def test_the_image_by_itself_does_what_the_app_does():
    [(_, command)] = [one for one in LAST_STAGE if one[0] == "CMD"]
    assert yaml.safe_load(command) == SERVICES["app"]["command"]


LOCKS = ["requirements.lock", "requirements-runtime.lock", "requirements-scale.lock"]


@pytest.mark.parametrize("file", ["docker-compose.yml", "scripts/cluster/docker-compose.yml", "Dockerfile", *LOCKS])
def test_no_file_names_a_registry(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    assert not re.search(r"--(index|extra-index|trusted|find-links)", text)
    for image in re.findall(r"(?m)^\s*(?:image: |FROM )(\S+)", text):
        assert "." not in image.partition("/")[0].partition(":")[0]
        assert image.partition("/")[0].count(":") <= 1
    if file.endswith(".lock"):
        assert "://" not in text
        assert not re.search(r"(?m)(^|\s)[./]*/\w", text)


# --- locks -------------------------------------------------------------------------------------------------------


def pins(file: str) -> dict[str, set[str]]:
    """Each `name==version ; marker` of a lock with its hashes."""
    found: dict[str, set[str]] = {}
    name = ""
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            name = line.rstrip(" \\")
            found[name] = set()
        found.get(name, set()).update(re.findall(r"--hash=(sha256:[0-9a-f]{64})", line))
    return found


def test_every_pin_of_a_lock_has_its_hashes():
    for file in LOCKS:
        assert pins(file)
        assert all(pins(file).values())


def test_the_image_has_the_same_pins_as_a_developer():
    everything, runtime = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert runtime.items() <= everything.items()
    assert not {"pytest", "mypy", "ruff", "playwright"} & {name.partition("==")[0] for name in runtime}
    scale = pins("requirements-scale.lock")
    assert runtime.items() <= scale.items() <= everything.items()
    assert {"dask", "distributed"} <= {name.partition("==")[0] for name in scale}


def test_a_lock_is_sorted_by_name():
    names = [name.partition("==")[0] for name in pins("requirements.lock")]
    assert all(first <= second for first, second in pairwise(names))
