"""The rules of the house, held by machine."""

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

import marketplace
from marketplace import wiring
from marketplace.kernel.facts import Fact
from marketplace.kernel.language import SEPARATOR
from marketplace.kernel.refusals import Refusal
from marketplace.settings import Settings
from scripts.openapi_snapshot import WHERE, contract, text

ROOT = Path(__file__).resolve().parents[2]


def every_module() -> None:
    for found in pkgutil.walk_packages(marketplace.__path__, "marketplace."):
        if ".migrations" not in found.name and not found.name.endswith(("__main__", "supervisor")):
            importlib.import_module(found.name)


def all_below(kind: type) -> list[type]:
    every_module()
    below = kind.__subclasses__()
    found = [*below, *(deeper for one in below for deeper in all_below(one))]
    # A dataclass with slots is made twice; the one that its module names is meant.
    meant = {one for one in found if getattr(sys.modules[one.__module__], one.__name__, None) is one}
    return sorted((one for one in meant if one.__module__.startswith("marketplace.")), key=lambda one: one.__name__)


def tracked() -> list[Path]:
    out = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if out.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in out.stdout.splitlines() if (ROOT / line).is_file()]


def test_rooms_import_downwards_only() -> None:
    out = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert out.returncode == 0, out.stdout


def test_the_contract_is_the_committed_one() -> None:
    assert text(contract()) == WHERE.read_text(encoding="utf-8"), (
        "the API changed: if that is meant, renew the contract with python scripts/openapi_snapshot.py and commit it"
    )


@pytest.mark.parametrize("refusal", all_below(Refusal), ids=lambda one: one.__name__)
def test_every_refusal_speaks_both_languages(refusal) -> None:
    assert "__doc__" in vars(refusal)
    chinese, separator, english = inspect.cleandoc(refusal.__doc__ or "").partition(SEPARATOR)
    assert separator, f"{refusal.__name__}'s docstring is its text: 中文{SEPARATOR}English"
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert re.search(r"[A-Za-z]{3}", english)
    assert 400 <= refusal.status < 600


def api_routes(app) -> list[APIRoute]:
    document = app.openapi()
    return [
        (path, method, operation) for path, verbs in document["paths"].items() for method, operation in verbs.items()
    ]


def test_every_route_says_what_it_does(app) -> None:
    silent = [
        (path, method)
        for path, method, operation in api_routes(app)
        if not (operation.get("description") or operation.get("summary")) or not operation.get("tags")
    ]
    assert silent == []


# Lists that are short by nature: a person's own tokens; a search among codes, ranked, with a limit; history by version.
SHORT = {"/api/v1/codes/{table}"}


def test_every_list_is_paged(app) -> None:
    unpaged = []
    for path, method, operation in api_routes(app):
        if method != "get":
            continue
        schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rpartition("/")[2]
        properties = app.openapi()["components"]["schemas"].get(name, {}).get("properties", {})
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        if "items" in properties and path not in SHORT and not {"limit", "cursor"} <= names:
            unpaged.append(path)
    assert unpaged == []


PAST = re.compile(r"(ed|Read|Begun|Left|Withdrawn|Written|Given|Sent)$")


@pytest.mark.parametrize(
    "fact", [one for one in all_below(Fact) if not one.__subclasses__()], ids=lambda one: one.__name__
)
def test_every_fact_is_told_in_the_past(fact) -> None:
    words = re.findall(r"[A-Z][a-z]*", fact.__name__)
    assert any(PAST.search(word) for word in words), fact.__name__


def test_every_scheduled_job_exists() -> None:
    assert set(wiring.SCHEDULES) <= set(wiring.JOBS)
    assert {job for jobs in wiring.LISTENERS.values() for job in jobs} <= set(wiring.JOBS)


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_explained(name) -> None:
    assert f"`DUIJIE_{name.upper()}`" in (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_the_readmes_commands_are_targets() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    asked = set(re.findall(r"\bmake ([a-z-]+)\b", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert {"demo", "test"} <= asked <= targets


def test_the_ci_runs_the_readmes_test_command() -> None:
    assert re.search(r"^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


def test_the_pictures_and_pages_that_the_readme_names_exist() -> None:
    named = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_no_file_names_a_registry_or_a_machines_path() -> None:
    # Written in pieces, so that this file does not find itself.
    forbidden = re.compile(
        "|".join(["py" + r"pi\.org", "python" + r"hosted\.org", "registry" + r"\.npmjs", "deb\\.deb" + "ian"])
    )
    found = [
        path.relative_to(ROOT)
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".lock", ".yml", ".sh", ".txt", ".cfg", ""}
        and forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert found == []


LONGEST = 640
LONG_BY_NATURE = {"marketplace/migrations/versions"}


def test_a_file_is_read_in_one_sitting() -> None:
    long = [
        (str(path.relative_to(ROOT)), lines)
        for path in tracked()
        if path.suffix == ".py"
        and not any(str(path.relative_to(ROOT)).startswith(folder) for folder in LONG_BY_NATURE)
        and (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
    ]
    assert long == []
