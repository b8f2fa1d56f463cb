"""The evaluation script, on a folder small enough to check by hand and, where it is at hand, on the real one."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "evaluate_matching.py"
REAL = ROOT.parent / "shared" / "data"


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
    )


@pytest.fixture(scope="module")
def script():
    """The script as a module: much sooner loaded than started."""
    specification = importlib.util.spec_from_file_location("evaluate_matching", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def write(path, *records):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records), encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    write(
        tmp_path / "real/achievements.jsonl",
        {"id": "a1", "title": "固态电解质", "text": "一种固态电解质的制备，\u2028用于电池。"},
        {"id": "a2", "title": None, "text": "水稻的种植方法。"},
        {"id": "a3", "text": "电池回收方法。"},
    )
    write(
        tmp_path / "real/problems.jsonl",
        {"id": "r1", "title": "电池", "text": "需要固态电解质。"},
        {"id": "r2", "title": "", "text": "水稻增产。"},
    )
    qrels = "problem_id\tachievement_id\tgrade\nr1\ta1\t3\nr1\ta2\t0\nr2\ta1\t0\n"
    write(tmp_path / "judged/qrels.tsv")
    (tmp_path / "judged/qrels.tsv").write_text(qrels, encoding="utf-8")
    write(tmp_path / "known_item/title.jsonl", {"query": "固态电解质", "relevant": "a1"})
    write(
        tmp_path / "known_item/keywords.jsonl",
        {"query": "方法 水稻", "relevant": "a3"},
        {"query": "水稻", "relevant": "a2"},
    )
    write(tmp_path / "half/docs.jsonl", {"id": "h1", "text": "用于电池。"}, {"id": "h2", "text": "水稻。"})
    write(
        tmp_path / "half/queries.jsonl",
        {"query": "电池的", "relevant": "h1"},
        {"query": "小麦的", "relevant": "h2"},
    )
    return tmp_path


def test_an_output_that_cannot_be_written_is_named(folder, script, capsys):
    assert script.main(["--data", str(folder), "--json", str(folder)]) == 2
    assert f"{folder}: Is a directory" in capsys.readouterr().err


def test_a_small_folder_gives_the_figures_worked_out_by_hand(folder, tmp_path):
    done = run("--data", folder, "--json", tmp_path / "out.json", "--details", tmp_path / "details.json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "judged" in done.stdout
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found == {
        "judged": {"ndcg@10": 1.0, "ndcg@10_low": 1.0, "ndcg@10_high": 1.0, "judged@10": 0.5, "reports": 0, "n": 1},
        "title": {"mrr@10": 1.0, "mrr@10_low": 1.0, "mrr@10_high": 1.0, "reports": 0, "n": 1},
        "keywords": {"mrr@10": 0.75, "mrr@10_low": 0.5, "mrr@10_high": 1.0, "reports": 0, "n": 2},
        "half": {"ndcg@10": 0.5, "ndcg@10_low": 0.0, "ndcg@10_high": 1.0, "reports": 0, "n": 2},
    }
    details = json.loads((tmp_path / "details.json").read_text(encoding="utf-8"))
    assert details["judged"] == {"per_query": {"r1": 1.0}, "unjudged": {"r1": ["a3"]}}


def test_a_second_file_of_grades_is_a_task_of_its_own(folder, script, tmp_path, capsys):
    second = tmp_path / "second.tsv"
    second.write_text("problem_id\tachievement_id\tgrade\nr2\ta1\t0\nr2\ta2\t2\n", encoding="utf-8")
    out = tmp_path / "out.json"
    assert script.main(["--data", str(folder), "--second", str(second), "--json", str(out), "--ablations"]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    assert list(found) == ["judged", "second", "title", "keywords", "half"]
    assert (found["second"]["ndcg@10"], found["second"]["judged@10"], found["second"]["n"]) == (1.0, 1.0, 1)
    second.write_text("problem_id\tachievement_id\tgrade\nr3\ta1\t1\n", encoding="utf-8")
    capsys.readouterr()
    assert script.main(["--data", str(folder), "--second", str(second)]) == 2
    assert capsys.readouterr().err == f"evaluate_matching: {second}: r3 is not in real/problems.jsonl\n"


def test_what_nobody_has_judged_is_named_where_it_is_new(folder, script, tmp_path, capsys):
    details = tmp_path / "accepted.json"
    assert script.main(["--data", str(folder), "--details", str(details)]) == 0
    capsys.readouterr()
    assert script.main(["--data", str(folder), "--compare", str(details)]) == 0
    assert "to be judged" not in capsys.readouterr().out
    known = json.loads(details.read_text(encoding="utf-8"))
    known["judged"]["unjudged"] = {"r1": ["a9"]}
    details.write_text(json.dumps(known), encoding="utf-8")
    assert script.main(["--data", str(folder), "--compare", str(details)]) == 0
    assert "judged to be judged r1: a3\n" in capsys.readouterr().out


def test_peers_are_asked_the_same(folder, script, monkeypatch, capsys):
    found = script.peers(folder, script.Corpora())
    assert list(found) == list(script.PEERS)
    for results in found.values():
        assert list(results) == list(script.TASKS)
        assert results["title"].per_query == {"0:a1": 1.0}
    monkeypatch.setenv("COLUMNS", "300")
    assert script.main(["--data", str(folder), "--peers"]) == 0
    told = capsys.readouterr().out
    assert all(peer in told for peer in script.PEERS)


def test_the_kept_judgements_and_the_accepted_run_hold_ids_and_figures_alone(script):
    second = SCRIPT.parent / "judgements" / "second.tsv"
    lines = second.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "problem_id\tachievement_id\tgrade"
    assert all(re.fullmatch(r"r\d{4}\ta\d{5}\t[0-3]", line) for line in lines[1:])
    assert len({line.rpartition("\t")[0] for line in lines[1:]}) == len(lines) - 1
    kept = script.ACCEPTED.read_text(encoding="utf-8")
    assert kept.isascii()
    assert set(script.accepted(script.ACCEPTED, script.TASKS)) == {*script.TASKS, "second"}


def test_an_accepted_run_is_differed_from_query_by_query(folder, script, tmp_path, capsys):
    details = tmp_path / "accepted.json"
    assert script.main(["--data", str(folder), "--details", str(details)]) == 0
    known = json.loads(details.read_text(encoding="utf-8"))
    first, second = known["keywords"]["per_query"]
    known["keywords"]["per_query"] = {first: 1.0, second: 0.25}
    details.write_text(json.dumps(known), encoding="utf-8")
    capsys.readouterr()
    assert script.main(["--data", str(folder), "--compare", str(details)]) == 0
    told = capsys.readouterr().out
    assert f"keywords lost {first}: 1.000 → 0.500" in told
    assert f"keywords won {second}: 0.250 → 1.000" in told
    assert "+0.1250 (-0.500 – +0.750)" in told
    assert "title lost" not in told

    details.write_text(json.dumps(known | {"half": {"per_query": {"9:h9": 1.0}}}), encoding="utf-8")
    assert script.main(["--data", str(folder), "--compare", str(details)]) == 2
    assert "no query of half is in this data" in capsys.readouterr().err
    for broken in ("{", "[]", '{"judged": {"per_query": {"r1": "x"}}}'):
        details.write_text(broken, encoding="utf-8")
        assert script.main(["--data", str(folder), "--compare", str(details)]) == 2
        assert capsys.readouterr().err == f"evaluate_matching: {details}: not what --details writes\n"


def test_terms_count_whole_where_a_list_is_given(folder, script, tmp_path, capsys, monkeypatch):
    kept: list[tuple[str, ...]] = []
    ranked = script.ranked
    monkeypatch.setattr(
        script, "ranked", lambda corpus, *asked: kept.append(corpus.lexicon.terms) or ranked(corpus, *asked)
    )
    (tmp_path / "terms.txt").write_text("固态电解质\nSiC/Al\n", encoding="utf-8")
    assert script.main(["--data", str(folder), "--terms", str(tmp_path / "terms.txt")]) == 0
    assert set(kept) == {("sic/al", "固态电解质")}
    assert script.main(["--data", str(folder), "--terms", str(tmp_path / "none.txt")]) == 2
    assert "none.txt" in capsys.readouterr().err


def test_ablations_are_what_the_score_does_without_each_part(folder, script, capsys, monkeypatch):
    """Each is what an index made anew without the part gives."""
    write(folder / "half/queries.jsonl", {"query": "稻的电池", "relevant": "h2"}, {"query": "水稻", "relevant": "h2"})
    corpora = script.Corpora()
    whole = script.evaluate(folder, corpora=corpora)
    found = script.ablations(folder, whole, corpora)
    assert list(found) == [*script.PARTS, script.WIDENED]
    for part, without in script.PARTS.items():
        anew = script.evaluate(folder, without(script.SETTINGS))
        for task, gain in found[part].items():
            assert gain == script.difference(whole[task].per_query, anew[task].per_query), (part, task)
    monkeypatch.setenv("COLUMNS", "300")
    assert script.main(["--data", str(folder), "--ablations"]) == 0
    told = capsys.readouterr().out
    assert all(part in told for part in script.PARTS)


def test_help_says_what_the_folder_holds(script, capsys):
    with pytest.raises(SystemExit, match="0"):
        script.main(["--help"])
    told = capsys.readouterr().out
    for name in ("judged/qrels.tsv", "--json OUT", "nDCG@10", "MRR@10", "--second FILE", "--compare"):
        assert name in told


@pytest.mark.parametrize(
    "name",
    [
        "real/achievements.jsonl",
        "real/problems.jsonl",
        "judged/qrels.tsv",
        "known_item/title.jsonl",
        "known_item/keywords.jsonl",
        "half/docs.jsonl",
        "half/queries.jsonl",
    ],
)
def test_a_missing_file_is_named(folder, name, script, capsys):
    (folder / name).unlink()
    assert script.main(["--data", str(folder)]) == 2
    assert capsys.readouterr().err == f"evaluate_matching: {folder / name}: No such file or directory\n"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("half/docs.jsonl", b"", "empty"),
        ("half/docs.jsonl", b"\xff\xfe", "not UTF-8"),
        ("half/docs.jsonl", b'{"id": "h1", "text": "x"}\n{"id"', "line 2"),
        ("half/docs.jsonl", b'{"id": "h1"}', "line 1: needs id, text as text"),
        ("half/docs.jsonl", b"[1]", "needs id, text"),
        ("judged/qrels.tsv", b"h\nr1\ta1\n", "line 2: needs problem, achievement and grade"),
        ("judged/qrels.tsv", b"h\nr1\ta1\t4\n", "grade 0"),
        ("judged/qrels.tsv", b"h\nr1\ta1\t0\n", "no grade above 0"),
        ("judged/qrels.tsv", b"h\nr9\ta1\t2\n", "r9 is not in real/problems.jsonl"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(folder, name, content, told, script, capsys):
    (folder / name).write_bytes(content)
    assert script.main(["--data", str(folder)]) == 2
    error = capsys.readouterr().err
    assert str(folder / name) in error
    assert told in error


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the judged sets are not at {REAL}")
def test_the_real_sets_are_ranked_as_well_as_promised(tmp_path):
    second = SCRIPT.parent / "judgements" / "second.tsv"
    done = run("--data", REAL, "--second", second, "--json", tmp_path / "out.json", "--compare")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert found["judged"]["ndcg@10"] >= 0.61
    assert found["judged"]["judged@10"] >= 0.9
    assert found["half"]["ndcg@10"] >= 0.91
    assert found["title"]["mrr@10"] >= 0.963
    assert found["keywords"]["mrr@10"] >= 0.968
    assert found["second"]["ndcg@10"] >= 0.6
    assert "Against the accepted run" in done.stdout
