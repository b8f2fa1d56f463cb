"""The commands that docker-compose.yml starts, run without Docker: production mode, a database server, three processes."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml

from tests.conftest import administer
from tests.marketplace.test_cli import environment, free_port

SERVICES = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())["services"]


def command_of(service: str, **replaced: str) -> list[str]:
    """A service's own command line, run by this Python; `replaced` gives options another value."""
    program, *arguments = SERVICES[service]["command"]
    assert program == "duijie"
    for option, value in replaced.items():
        arguments[arguments.index(f"--{option}") + 1] = value
    return [sys.executable, "-W", "ignore", "-m", "marketplace", *arguments]


@pytest.fixture
async def production(clones, tmp_path):
    """The environment of a service, on an empty database of its own."""
    url = await clones.make()
    await administer(url, "drop schema public cascade", "create schema public")
    yield environment(tmp_path, DUIJIE_MODE="production", DUIJIE_SECRET="s" * 48, DUIJIE_DATABASE_URL=url)
    await clones.drop(url)


def run(command: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


def answers(url: str, process: subprocess.Popen[str], seconds: float = 300) -> httpx.Response:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            found = httpx.get(url)
            if found.status_code == 200:
                return found
        except httpx.TransportError:
            pass
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    raise AssertionError(f"{url} did not become ready")


def stopped(process: subprocess.Popen[str]) -> tuple[int, str]:
    """End it as Docker does, and see how it took it."""
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def start(command: list[str], env: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_containers_commands_bring_up_the_market(production) -> None:
    early = run(command_of("worker"), production)
    assert early.returncode == 2
    assert "duijie migrate" in early.stderr

    migrated = run(command_of("migrate"), production)
    assert migrated.returncode == 0, migrated.stderr
    assert run(command_of("migrate"), production).returncode == 0

    port = free_port()
    app = start(command_of("app", host="127.0.0.1", port=str(port)), production)
    worker = start(command_of("worker"), production)
    try:
        answers(f"http://127.0.0.1:{port}/readyz", app)
        sent = httpx.post(f"http://127.0.0.1:{port}/api/v1/people", json={"email": "new@test.example", "name": "新人"})
        assert sent.status_code == 202, sent.text
        # The worker delivers the letter that the web process only wrote down.
        mail = Path(production["DUIJIE_HOME"]) / "mail"
        until = time.monotonic() + 300
        while not list(mail.glob("*.eml")) and time.monotonic() < until:
            time.sleep(0.2)
        assert len(list(mail.glob("*.eml"))) == 1
    finally:
        ended = [stopped(process) for process in (app, worker)]
    for _, output in ended:
        assert "Traceback" not in output
        assert "new@test.example" not in output
    assert ended[1][0] == 0
