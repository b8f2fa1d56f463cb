"""The scripts that choose numbers on halves and that measure when nothing fits, on a folder of texts made here."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest

from matching.style import REPORTED, REQUESTED
from matching.weighting import SETTINGS
from scripts import derive_words, evaluate_matching, fit_matching, matching_tables, measure_nothing_fits
from scripts.matching_sets import Unusable
from tests.matching.test_evaluation import write

THINGS = ["钛合金叶片", "LED 封装胶", "水稻抗倒伏品种", "PLC 控制柜", "锂电池隔膜", "高铁轴承", "污泥干化", "SiC 陶瓷"]
DONE = [
    "研究了{}的疲劳性能",
    "测量{}的表面温度分布",
    "提出{}的制备方法",
    "建立了{}的数学模型",
    "比较{}与同类的能耗",
    "对{}作了失效分析",
]
SAID = [
    "结果表明寿命明显提高",
    "误差显著减小",
    "得到了成本的变化规律",
    "验证了模型的正确性",
    "发现裂纹萌生于次表层",
    "能耗得出不同的差异",
]
WANTED = [
    "我公司现有{}生产线两条",
    "希望与高校合作研发{}",
    "{}的成本较高，市场竞争力不足",
    "预期{}的指标达到国内先进水平",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 records, 8 requirements (graded by what they are about), and the four kinds of known items."""
    drawn, where = random.Random(7), tmp_path_factory.mktemp("sets")
    achievements, halves = [], []
    for number in range(60):
        thing, other = THINGS[number % 8], drawn.choice(THINGS)
        first = "，".join([form.format(thing) for form in drawn.sample(DONE, 4)] + drawn.sample(SAID, 3)) + "。"
        second = "，".join([form.format(other if n else thing) for n, form in enumerate(drawn.sample(DONE, 3))]) + "。"
        title = f"{thing}的{drawn.choice(['性能', '模型', '失效', '能耗'])}" if number % 2 else None
        far = number % 8 == 2
        record = {
            "id": f"a{number:02}",
            "title": title,
            "text": first + second,
            "discipline": "法学" if far else "机械工程",
        }
        achievements.append(record | {"keywords": [thing, drawn.choice(["疲劳", "温度", "寿命"])]})
        halves.append((first, {"id": f"h{number:02}", "text": second}))
    problems = [
        {"id": f"r{n}", "title": thing, "text": "。".join(form.format(thing) for form in drawn.sample(WANTED, 3))}
        for n, thing in enumerate(THINGS)
    ]
    grades = [
        f"r{n}\t{one['id']}\t{drawn.choice([0, 1, 2, 3]) if thing in one['text'][:40] else 0}"
        for n, thing in enumerate(THINGS)
        for one in achievements[: 30 + n]
    ]
    write(where / "real/achievements.jsonl", *achievements)
    write(where / "real/problems.jsonl", *problems)
    write(where / "judged/qrels.tsv")
    (where / "judged/qrels.tsv").write_text("\n".join(["p\ta\tg", *grades]) + "\n", encoding="utf-8")
    titled = [one for one in achievements if one["title"]]
    write(where / "known_item/title.jsonl", *({"query": one["title"], "relevant": one["id"]} for one in titled))
    keywords = ({"query": " ".join(one["keywords"]), "relevant": one["id"]} for one in achievements)
    write(where / "known_item/keywords.jsonl", *keywords)
    write(where / "half/docs.jsonl", *(document for _, document in halves))
    write(where / "half/queries.jsonl", *({"query": first, "relevant": each["id"]} for first, each in halves))
    return where


@pytest.fixture(scope="module")
def tasks(folder):
    return matching_tables.tables(folder, 60)


def test_the_tables_say_what_the_score_itself_says(folder, tasks):
    """Query by query, under settings that differ in everything."""
    assert {part.report for part in tasks["half"].parts} >= {True}
    assert {part.report for part in tasks["judged"].parts} == {False}
    seen = set()
    for settings in [SETTINGS, matching_tables.PLAIN, *fit_matching.drawn(10)]:
        results = evaluate_matching.evaluate(folder, settings)
        for name, task in tasks.items():
            found = dict(zip(task.names, task.values(settings), strict=True))
            assert found == pytest.approx(results[name].per_query, abs=1e-12), (name, settings)
            seen |= set(found.values())
    assert len(seen) > 20


def test_halves_share_nothing_and_leave_nothing_out(tasks):
    for seed in range(3):
        one, other = fit_matching.halves(tasks, seed)
        for name, task in tasks.items():
            assert (one[name] ^ other[name]).all()
            assert one[name].sum() == len(task.names) // 2
    assert any(
        (fit_matching.halves(tasks, 0)[0][name] != fit_matching.halves(tasks, 1)[0][name]).any() for name in tasks
    )


def test_a_choice_knows_nothing_of_the_other_half(tasks):
    """What the queries of the other half seek is changed for others' records; the choice stays."""
    draws = fit_matching.drawn(8)
    here, _ = fit_matching.halves(tasks, 0)

    def mixed(name, task):
        parts, begin = [], 0
        for part in task.parts:
            its = here[name][begin : begin + len(part.names)]
            begin += len(part.names)
            turned = np.where(its[part.asking], part.gain, part.gain[::-1])
            parts.append(replace(part, gain=turned))
        return replace(task, parts=tuple(parts), kept={})

    other = {name: mixed(name, task) for name, task in tasks.items()}
    assert any((other[name].values(draws[0]) != tasks[name].values(draws[0])).any() for name in tasks)
    one, two = (fit_matching.Bench.of(each, draws) for each in (tasks, other))
    assert one.chosen(here) == two.chosen(here)
    assert one.objective(one.chosen(here), here) >= max(one.objective(settings, here) for settings in draws) - 1e-6


def test_the_whole_procedure_tells_the_same_twice(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    arguments = ["--data", str(folder), "--draws", "6", "--splits", "2", "--pool", "60"]
    told = []
    for _ in range(2):
        assert fit_matching.main(arguments) == 0
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "cross-fitted" in told[0]
    assert "What 4 halves chose" in told[0]
    assert fit_matching.main(["--data", str(folder / "none")]) == 2
    assert "No such file" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        fit_matching.main([*arguments, "--splits", "0"])


def test_the_threshold_is_the_highest_that_is_seldom_wrong():
    fitting = np.concatenate([[0.001, 0.0021, 0.0036], np.full(97, 0.01)])
    assert measure_nothing_fits.chosen(fitting) == pytest.approx(0.01)
    assert measure_nothing_fits.chosen(np.concatenate([fitting, [0.002]])) == pytest.approx(0.0035)


def test_nothing_fits_is_measured_by_kind(folder, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    found = measure_nothing_fits.all_measured(folder, None, 100)
    kinds = {(one.kind, one.fits) for one in found}
    assert ("judged requirements", True) in kinds
    assert ("titles, technical", False) in kinds
    for kind in ("titles, technical", "first halves, technical"):
        near, far = (
            np.concatenate([one.reached for one in found if (one.kind, one.fits) == (kind, fits)])
            for fits in (True, False)
        )
        assert near.mean() > far.mean()
    assert measure_nothing_fits.main(["--data", str(folder), "--splits", "2"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"request: in use 0\.0055; halves choose .* wrongly \d", told)


def test_what_is_left_out_is_not_the_best(folder):
    whole = measure_nothing_fits.corpus(evaluate_matching.records(folder / "real/achievements.jsonl", "id", "text"))
    query = measure_nothing_fits.Query("", "钛合金叶片的疲劳性能")
    first, second = whole.rank(query, k=2, now=0.0).items
    both = measure_nothing_fits.reached(query, whole), measure_nothing_fits.reached(query, whole, {first.key})
    assert both[1] / both[0] == pytest.approx(second.text / first.text)


def test_records_of_one_side_alone_are_told(folder, tmp_path):
    for path in folder.rglob("*.*"):
        copy = tmp_path / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text(encoding="utf-8").replace("法学", "机械工程"), encoding="utf-8")
    with pytest.raises(Unusable, match="both kinds of disciplines"):
        measure_nothing_fits.all_measured(tmp_path, None, 10)


def test_words_beside_the_point_are_found_by_how_often_each_side_says_them():
    requested = {"公司": 50, "电池": 9, "希望": 4, "温度": 60}
    reported = {"公司": 20, "电池": 30, "温度": 700}
    assert derive_words.by_rule(requested, 100, reported, 1000, 0.05, 3.0) == {"公司"}
    assert derive_words.by_rule(requested, 100, reported, 1000, 0.02, 2.5) == {"公司", "希望", "电池"}
    assert derive_words.with_pairs({"公司", "a"}) == {"公司", "a", "~公司"}


def test_a_list_of_words_is_told_beside_the_one_by_hand(folder, tasks, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    second = tmp_path / "second.tsv"
    first = (folder / "judged/qrels.tsv").read_text(encoding="utf-8").splitlines()
    second.write_text("\n".join(line for line in first if not line.startswith(("r6", "r7"))) + "\n", encoding="utf-8")
    (tmp_path / "real").mkdir()
    (tmp_path / "judged").mkdir()
    for name in ("achievements", "problems"):
        (tmp_path / f"real/{name}.jsonl").write_bytes((folder / f"real/{name}.jsonl").read_bytes())
    judged = [line for line in first if not line.startswith("r0")]
    (tmp_path / "judged/qrels.tsv").write_text("\n".join(judged) + "\n", encoding="utf-8")
    assert derive_words.main(["--data", str(tmp_path), "--splits", "2"]) == 0
    told = capsys.readouterr().out
    assert "Words of 1 requirements without grades" in told
    assert re.search(rf"by +│ hand +│ {len(REQUESTED)} \+ {len(REPORTED)} │ 0\.0%", told)
    hand = np.mean(
        [
            value
            for name, value in zip(tasks["judged"].names, tasks["judged"].values(SETTINGS), strict=True)
            if name != "r0"
        ]
    )
    assert f"{hand:.4f} │ +0.0000" in told
    assert derive_words.main(["--data", str(tmp_path), "--second", str(second)]) == 2
    assert "has a grade" in capsys.readouterr().err
