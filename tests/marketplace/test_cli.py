"""`duijie` as its operator uses it: in a terminal, on an embedded database of its own."""

import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from marketplace import cli, sample
from tests.conftest import administer

DUIJIE = [sys.executable, "-W", "ignore", "-m", "marketplace"]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A home with the sample data in it. Short, because a socket's path must be."""
    with tempfile.TemporaryDirectory(prefix="dj-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUIJIE_")}
    return kept | {"DUIJIE_HOME": str(home), "COLUMNS": "160", "PYTHONIOENCODING": "utf-8"} | more


def duijie(home: Path, *arguments: str, **more) -> subprocess.CompletedProcess[str]:
    env = environment(home, **more.pop("env", {}))
    return subprocess.run(
        [*DUIJIE, *arguments],
        env=env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        **more,
    )


@pytest.fixture(scope="module")
def shown(home: Path) -> subprocess.CompletedProcess[str]:
    return duijie(home, "demo", "--no-serve")


def test_the_demo_ranks_three_problems_with_reasons(shown) -> None:
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("难题 · problem：") == 3
    assert re.search(r"0\.\d{4}", shown.stdout)
    assert "领域 +0." in shown.stdout
    assert "没有找到真正合适的" in shown.stdout


def test_loading_the_sample_again_changes_nothing(home, shown) -> None:
    again = duijie(home, "demo", "--no-serve")
    assert again.returncode == 0, again.stderr
    scores = re.compile(r"│\s+(\d)\s+│\s+(0\.\d{3})")
    assert scores.findall(again.stdout) == scores.findall(shown.stdout)


def test_sample_accounts_are_not_made_in_production(home, shown) -> None:
    out = duijie(home, "demo", "--no-serve", env={"DUIJIE_MODE": "production", "DUIJIE_SECRET": "s" * 40})
    assert out.returncode == 2
    assert "production" in out.stderr
    assert "Traceback" not in out.stderr


def test_a_text_is_ranked_with_reasons(home, shown) -> None:
    out = duijie(home, "match", "热锻模具型腔表面龟裂，想做激光熔覆修复", "-n", "2")
    assert out.returncode == 0, out.stderr
    assert "激光熔覆" in out.stdout


def test_a_ranking_as_json_adds_up(home, shown) -> None:
    out = duijie(home, "match", "-", "--json", "--kind", "problem", input="轨道客车铝合金型材焊接变形")
    page = json.loads(out.stdout)
    assert page["items"]
    for item in page["items"]:
        why = item["reasons"]
        total = sum(t["contribution"] for t in why["terms"]) + why["other"]["contribution"]
        total += sum(s["contribution"] for s in why["signals"])
        assert abs(total - item["score"]) <= 1e-6


def test_all_are_matched_with_all_and_places_are_shared_out(home, shown, tmp_path) -> None:
    out = duijie(home, "rematch", "--places", "2", "--floor", "1", "--to", str(tmp_path / "proposals.csv"))
    assert out.returncode == 0, out.stderr
    assert "0 方不足保底" in out.stdout
    with (tmp_path / "proposals.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    made = Counter(line["推荐 proposed"] for line in lines if line["位次 place"])
    rows = (Path(sample.__file__).parent / "achievements.jsonl").read_text(encoding="utf-8").splitlines()
    talks = {row["title"]: row.get("talks") for row in map(json.loads, rows)}
    own = [title for title in made if talks[title] is not None]
    assert own
    assert all(made[title] <= talks[title] for title in own), "a team's own number goes first"
    assert max(count for title, count in made.items() if talks[title] is None) == 2
    assert any("个名额" in line["说明 note"] for line in lines)
    out = duijie(home, "rematch", "--floor", "6")
    assert out.returncode == 2
    assert "--floor" in out.stderr


def test_too_few_verdicts_teach_nothing_and_say_how_many_it_takes(home, shown) -> None:
    out = duijie(home, "learn", "--dry-run")
    assert out.returncode == 0, out.stderr
    assert "需要 30 条" in out.stdout
    assert CliRunner().invoke(cli.app, ["learn", "--dry-run", "--activate"]).exit_code == 2


def test_instruments_are_ranked_with_their_first_free_time_and_price(home, shown) -> None:
    text = "铝合金焊缝疲劳裂纹，需要疲劳试验机"
    out = duijie(home, "match", text, "--kind", "instrument", "-n", "2", "--minutes", "120")
    assert out.returncode == 0, out.stderr
    assert "电液伺服疲劳试验机" in out.stdout
    assert re.search(r"最早 first free \d{4}-\d\d-\d\d \d\d:\d\d", out.stdout)
    assert re.search(r"\d+\.\d\d 元 CNY|免费 free", out.stdout)
    nobody = duijie(home, "match", text, "--kind", "instrument", "--organisation", "x")
    assert (nobody.returncode, "Traceback" in nobody.stderr) == (2, False)


def test_experts_are_ranked_with_who_they_are(home, shown) -> None:
    text = "铝合金锻模型腔龟裂太快，求表面强化和修复办法"
    out = duijie(home, "match", text, "--kind", "expert", "-n", "2")
    assert out.returncode == 0, out.stderr
    assert "热作模具表面强化与激光增材修复" in out.stdout
    assert "沈砚秋 教授" in out.stdout
    wrong = duijie(home, "match", text, "--kind", "expert", "--minutes", "60")
    assert (wrong.returncode, "--minutes" in wrong.stderr) == (2, True)


def test_where_nothing_is_found_it_is_said_without_an_empty_table(home, shown) -> None:
    out = duijie(home, "match", "qqqq zzzz")
    assert out.returncode == 0, out.stderr
    assert "没有任何记录与此有共同的词" in out.stdout
    assert "得分" not in out.stdout


def test_an_empty_text_is_refused_in_a_line(home, shown) -> None:
    out = duijie(home, "match", "   ")
    assert out.returncode == 2
    assert "Traceback" not in out.stderr
    assert out.stderr.strip()


def test_an_administrator_made_in_the_terminal_can_sign_in(home, shown) -> None:
    out = duijie(
        home, "admin", "create", "--email", "Root@Test.Example", "--name", "管理员", "--password", "a long password"
    )
    assert out.returncode == 0, out.stderr
    with serving(home) as url:
        made = httpx.post(f"{url}/api/v1/sessions", json={"email": "root@test.example", "password": "a long password"})
        assert made.status_code == 201, made.text
        me = httpx.get(f"{url}/api/v1/me", headers={"Authorization": f"Bearer {made.json()['token']}"}).json()
    assert [membership["role"] for membership in me["memberships"]] == ["platform_admin"]


def test_a_short_password_is_refused_before_anything_is_written(home, shown) -> None:
    out = duijie(home, "admin", "create", "--email", "x@test.example", "--name", "X", "--password", "short")
    assert out.returncode == 2
    assert "password" in out.stderr
    assert "short" not in out.stderr


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class serving:  # noqa: N801 -- read as a verb
    """`duijie serve` on a free port, ready; stopped by SIGINT as Ctrl-C would."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [*DUIJIE, "serve", "--port", str(self.port), *arguments],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> str:
        url = f"http://127.0.0.1:{self.port}"
        until = time.monotonic() + 300
        while time.monotonic() < until:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    return url
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.process.stdout.read()
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"the server did not become ready: {self.process.communicate()[0]}")

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        self.output, _ = self.process.communicate(timeout=120)


def test_ctrl_c_stops_everything_it_started(home, shown) -> None:
    server = serving(home)
    with server as url:
        assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}
    assert "Traceback" not in server.output
    until = time.monotonic() + 20
    while postgres_of(home) and time.monotonic() < until:
        time.sleep(0.1)
    assert postgres_of(home) == []


def postgres_of(home: Path) -> list[str]:
    """Command lines of the processes that serve this home."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(home) in line and "postgres" in line:
                found.append(line)
    return found


def test_a_taken_port_is_said_and_the_exit_code_tells(home, shown) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        out = duijie(home, "serve", "--no-worker", "--port", str(taken.getsockname()[1]))
    assert out.returncode == 1
    assert "address already in use" in out.stderr


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("serve",),
        ("worker",),
        ("migrate",),
        ("match",),
        ("demo",),
        ("admin",),
        ("import",),
        ("rematch",),
        ("learn",),
    ],
)
def test_every_command_explains_itself(command) -> None:
    out = CliRunner().invoke(cli.app, [*command, "--help"])
    assert out.exit_code == 0
    assert "Usage" in out.stdout


def test_a_wrong_setting_is_named_with_what_to_write(home) -> None:
    out = duijie(home, "migrate", env={"DUIJIE_DATABASE_URL": "mysql://x"})
    assert out.returncode == 2
    assert "DUIJIE_DATABASE_URL" in out.stderr
    assert "postgresql+asyncpg://" in out.stderr


def test_production_without_a_secret_does_not_start(home) -> None:
    out = duijie(home, "serve", env={"DUIJIE_MODE": "production"})
    assert out.returncode == 2
    assert "DUIJIE_SECRET" in out.stderr
    assert "token_urlsafe" in out.stderr


async def test_serving_on_a_schema_that_is_behind_says_what_to_run(home, clones) -> None:
    url = await clones.make()
    await administer(url, "update alembic_version set version_num = '0000'")
    out = duijie(home, "serve", env={"DUIJIE_DATABASE_URL": url})
    await clones.drop(url)
    assert out.returncode == 2
    assert "duijie migrate" in out.stderr
