"""`duijie import` at a terminal."""

import asyncio
import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import typer
from sqlalchemy import func, select
from typer.testing import CliRunner

from marketplace.experts.models import Expert
from marketplace.identity.models import Organisation
from marketplace.imports import command
from marketplace.imports import terminal as importing
from marketplace.kernel.db import Database
from marketplace.kernel.facts import Recorded
from marketplace.labs.models import Instrument
from marketplace.listings.models import Listing
from marketplace.settings import settings
from schemas.identity import Verification
from schemas.imports import Finding, ImportKind, ImportResult
from tests.given.people import a_uscc
from tests.marketplace.imports.conftest import TEXT, some_csv, some_jsonl

app = typer.Typer()
command.register(app)
app.command("other")(lambda: None)  # with one command alone typer would not ask for its name


@dataclass
class Terminal:
    """A terminal of the operator's, on a database with one organisation."""

    url: str
    uscc: str
    folder: Path

    def run(self, kind: str, content: bytes, name: str, *options: str):
        path = self.folder / name
        path.write_bytes(content)
        return CliRunner().invoke(
            app, ["import", kind, str(path), "--organisation", self.uscc, *options], env={"COLUMNS": "200"}
        )

    def ask(self, statement):
        async def run():
            database = Database(self.url, pool_size=2)
            async with database.reading() as session:
                found = (await session.execute(statement)).all()
            await database.close()
            return found

        return asyncio.run(run())

    def count(self) -> int:
        own = select(Organisation.id).where(Organisation.uscc == self.uscc).scalar_subquery()
        return self.ask(select(func.count()).select_from(Listing).where(Listing.organisation_id == own))[0][0]


@pytest.fixture(scope="module")
def url(clones):
    made = asyncio.run(clones.make())
    yield made
    asyncio.run(clones.drop(made))


@pytest.fixture
def terminal(url, tmp_path, monkeypatch) -> Terminal:
    uscc = a_uscc()

    async def found_organisation() -> None:
        database = Database(url, pool_size=2)
        now = datetime.now(UTC)
        async with database.writing.begin() as session:
            session.add(
                Organisation(
                    uscc=uscc,
                    name="示例大学",
                    kinds=["university"],
                    region="220100",
                    verification=Verification.VERIFIED,
                    verified_at=now,
                )
            )
        await database.close()

    asyncio.run(found_organisation())
    monkeypatch.setenv("DUIJIE_DATABASE_URL", url)
    monkeypatch.setenv("DUIJIE_HOME", str(tmp_path))
    monkeypatch.setattr(importing.log, "configure", lambda *_: None)
    settings.cache_clear()
    yield Terminal(url, uscc, tmp_path)
    settings.cache_clear()


def test_records_are_imported_published_and_counted(terminal) -> None:
    rows = some_jsonl(*({"title": f"第{n}项成果", "text": TEXT, "id": str(n)} for n in range(600)))
    out = terminal.run("achievements", rows, "a.jsonl", "--publish", "--source", "旧系统")
    assert out.exit_code == 0, out.output
    assert "created 600" in out.output
    assert terminal.count() == 600
    (state, source, by), *_ = terminal.ask(
        select(Listing.state, Listing.source, Listing.created_by).order_by(Listing.created_at.desc()).limit(1)
    )
    assert (state, source, by) == ("published", "旧系统", None)
    assert terminal.ask(
        select(Recorded.by).where(Recorded.name == "ListingsImported").order_by(Recorded.id.desc()).limit(1)
    ) == [(None,)]
    again = terminal.run("achievements", rows, "a.jsonl", "--publish", "--source", "旧系统")
    assert (again.exit_code, "unchanged 600" in again.output) == (0, True)


def test_errors_are_a_table_and_the_exit_says_so(terminal) -> None:
    rows = [{"title": f"第{n}项难题", "id": str(n), "budget": "很多"} for n in range(60)]
    out = terminal.run(
        "problems",
        some_jsonl(*rows, {"title": "好的难题"}),
        "a.jsonl",
        "--errors-to",
        str(terminal.folder / "wrong.csv"),
    )
    assert out.exit_code == 1
    assert "没有导入任何内容" in out.output
    assert "money_unreadable" in out.output
    assert "还有 10 处" in out.output
    assert terminal.count() == 0
    with (terminal.folder / "wrong.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    assert len(lines) == 61
    assert lines[1][1:3] == ["1", "budget"]


def test_errors_left_off_are_counted_and_formulas_are_not_written(terminal) -> None:
    rows = some_csv(("标题", "=技术就绪度"), *((f"第{n}项成果", "") for n in range(3)))
    out = terminal.run("achievements", rows, "a.csv")
    assert (out.exit_code, "=技术就绪度" in out.output) == (0, True)
    wrong = some_jsonl(*({"title": "甲乙丙", "id": f"{n}", "trl": 77} for n in range(1005)))
    to = terminal.folder / "wrong.csv"
    out = terminal.run("achievements", wrong, "b.jsonl", "--errors-to", str(to))
    assert (out.exit_code, "还有 955 处" in out.output) == (1, True)
    assert "还有 5 处" in to.read_text(encoding="utf-8-sig").splitlines()[-1]


def test_cells_that_begin_like_formulas_are_neutralised(terminal, tmp_path) -> None:
    error = Finding(sheet="=cmd()", row=-5, column="+1", code="x", detail="@y")
    result = ImportResult(
        kind=ImportKind.PROBLEM,
        source="s",
        dry_run=False,
        partial=False,
        rows=1,
        created=0,
        updated=0,
        unchanged=0,
        failed=1,
        errors=[error],
        errors_left_off=0,
        notices=[],
    )
    importing._write(tmp_path / "out.csv", result)
    assert list(csv.reader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()))[1] == [
        "'=cmd()",
        "'-5",
        "'+1",
        "",
        "",
        "x",
        "'@y",
    ]


def test_partial_takes_the_good_rows_and_still_exits_with_one(terminal) -> None:
    out = terminal.run("achievements", some_jsonl({"title": "好的成果"}, {"trl": 1}), "a.jsonl", "--partial")
    assert (out.exit_code, terminal.count()) == (1, 1)
    assert "完成" in out.output


def test_a_dry_run_writes_nothing(terminal) -> None:
    out = terminal.run("achievements", some_jsonl({"title": "好的成果"}), "a.jsonl", "--dry-run")
    assert (out.exit_code, terminal.count()) == (0, 0)
    assert "试运行" in out.output


def test_an_organisation_that_is_not_there(terminal) -> None:
    terminal.uscc = "912201009474573616"
    out = terminal.run("achievements", some_jsonl({"title": "好的成果"}), "a.jsonl")
    assert out.exit_code == 1
    assert "credit code" in out.output
    assert "Traceback" not in out.output


def test_wrong_words_and_missing_files_are_said_by_the_terminal(terminal) -> None:
    assert terminal.run("patents", b"{}", "a.jsonl").exit_code == 2
    out = CliRunner().invoke(
        app, ["import", "problems", str(terminal.folder / "none.csv"), "--organisation", terminal.uscc]
    )
    assert out.exit_code == 2


def test_a_file_of_the_wrong_kind_says_what_to_do(terminal) -> None:
    out = terminal.run("achievements", b"\xd0\xcf\x11\xe0", "a.et")
    assert out.exit_code == 1
    assert ".xlsx" in out.output


def test_an_import_of_instruments_is_undone_by_what_it_told(terminal):
    file = some_jsonl({"external_id": "S-1", "name": "扫描电镜"}, {"external_id": "S-2", "name": "拉力机"})
    made = terminal.run("instruments", file, "a.jsonl")
    assert made.exit_code == 0, made.output
    number = made.output.split("undo-import ")[1].split()[0]
    undone = CliRunner().invoke(app, ["undo-import", number], env={"COLUMNS": "200"})
    assert (undone.exit_code, "已撤回 withdrawn 2" in undone.output) == (0, True), undone.output
    assert terminal.ask(select(Instrument.name)) == []
    again = CliRunner().invoke(app, ["undo-import", number], env={"COLUMNS": "200"})
    assert again.output == undone.output
    unknown = CliRunner().invoke(app, ["undo-import", str(UUID(int=1))], env={"COLUMNS": "200"})
    assert unknown.exit_code == 1


def test_an_import_of_achievements_is_undone_by_what_it_told(terminal):
    first = some_jsonl({"external_id": "A-1", "title": "薄膜", "stage": "early"})
    assert terminal.run("achievements", first, "a.jsonl").exit_code == 0
    file = some_jsonl(
        {"external_id": "A-1", "title": "薄膜", "stage": "pilot"}, {"external_id": "A-2", "title": "浆料"}
    )
    made = terminal.run("achievements", file, "b.jsonl")
    number = made.output.split("undo-import ")[1].split()[0]
    undone = CliRunner().invoke(app, ["undo-import", number], env={"COLUMNS": "200"})
    assert undone.exit_code == 0, undone.output
    assert "已撤回 withdrawn 1，已恢复 restored 1，部分恢复 partly 0，未撤销 kept 0" in undone.output
    left = select(Listing.title).where(Listing.title.in_(["薄膜", "浆料"]))
    assert terminal.ask(left) == [("薄膜",)]


def test_experts_are_drafts_at_a_terminal_too_and_undone_by_what_it_told(terminal):
    rows = some_csv(
        ("姓名", "研究方向", "代表性成果", "同意书", "工号"),
        ("虚构终端甲", "熔覆", "没有的成果", "已签", "T-1"),
        ("虚构终端乙", "焊接", "", "", "T-2"),
    )
    refused = terminal.run("experts", rows, "a.csv", "--publish")
    assert (refused.exit_code, "一律是草稿" in refused.output) == (1, True), refused.output
    tried = terminal.run("experts", rows, "a.csv", "--dry-run")
    assert (tried.exit_code, "created 2" in tried.output) == (0, True), tried.output
    assert "第 2 行 row 2" in tried.output
    named = select(Expert.name, Expert.state, Expert.consented_at, Expert.created_by).order_by(Expert.external_id)
    assert terminal.ask(named) == []
    made = terminal.run("experts", rows, "a.csv")
    assert made.exit_code == 0, made.output
    assert terminal.ask(named) == [("虚构终端甲", "draft", None, None), ("虚构终端乙", "draft", None, None)]
    changed = terminal.run("experts", some_csv(("姓名", "工号"), ("虚构终端丙", "T-1")), "b.csv")
    number = made.output.split("undo-import ")[1].split()[0]
    undone = CliRunner().invoke(app, ["undo-import", number], env={"COLUMNS": "200"})
    assert (undone.exit_code, "已撤回 withdrawn 1" in undone.output) == (0, True), undone.output
    assert "虚构终端丙" in undone.output, "what stays is called what it is called now"
    number = changed.output.split("undo-import ")[1].split()[0]
    assert "已恢复 restored 1" in CliRunner().invoke(app, ["undo-import", number], env={"COLUMNS": "200"}).output
    assert terminal.ask(named) == [("虚构终端甲", "draft", None, None)]
