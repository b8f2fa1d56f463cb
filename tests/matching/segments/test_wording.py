"""Records that ask in the words of a synonym too, or with misleading terms lowered, find what their question alone finds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching import Query
from matching.lexicon import NO_LEXICON, Lexicon
from matching.records import Document, Facets
from matching.rewording import PLAIN, name_of, reworded
from matching.segments.batch import NOBODY, Asking
from matching.segments.files import Damaged
from matching.segments.index import SharedIndex, building
from matching.segments.rematch import Run, Way
from matching.segments.store import Store
from matching.segments.wording import Gathering
from matching.synonyms import Synonyms
from matching.tuning import ALL, Lowered, LoweredTerm, Tuning
from tests.matching.given import NOW, telling_texts, unhurried

BATTERY = Synonyms.of([["锂电池", "锂离子蓄电器", "Li-ion"], ["发光二极管", "LED"], ["疲劳试验", "耐久实验"]])
MISLEADING = Tuning(lowered=Lowered.of([LoweredTerm("焊接", ALL, 0.4), LoweredTerm("石墨烯", "38", 0.25)]))

spellings = st.sampled_from(
    ["固态电解质", "锂离子电池", "5G", "焊接", "疲劳试验", "CBN", "汽车", "视觉检测", "目前", "轮毂", "耐久"]
)
groups = st.lists(st.lists(spellings, min_size=2, max_size=4, unique=True), max_size=4).map(Synonyms.of)
lowered = st.lists(
    st.builds(LoweredTerm, st.sampled_from(["焊接", "汽车", "电池", "复合材料", "轮毂"]), st.sampled_from([ALL, "38"]), st.sampled_from([0.25, 0.5, 1.0])),
    max_size=4,
).map(lambda terms: Tuning(lowered=Lowered.of(terms)))  # fmt: skip
sides = st.lists(telling_texts, max_size=5)
lexicons = st.lists(spellings, max_size=4).map(Lexicon.of)


def shared(
    texts: list[str], *, about: Facets = Facets(industries=("C3841",)), lexicon: Lexicon = NO_LEXICON
) -> tuple[SharedIndex, dict[str, Document]]:
    index = SharedIndex(lexicon=lexicon)
    records = {
        f"{n:02}": Document(text[: len(text) // 2], text[len(text) // 2 :], about) for n, text in enumerate(texts)
    }
    index.put_many(records.items())
    index.refresh()
    return index, records


@unhurried
@given(asking=sides, answering=sides, synonyms=groups, tuning=lowered, k=st.integers(1, 6), lexicon=lexicons)
def test_each_finds_what_its_own_ranking_finds(asking, answering, synonyms, tuning, k, lexicon):
    ours, records = shared(asking, lexicon=lexicon)
    theirs, _ = shared(answering, lexicon=lexicon)
    snapshot, view = theirs.snapshot.tuned(tuning), ours.snapshot.view
    queries = {key: Query(one.title, one.body, one.facets, synonyms=synonyms) for key, one in records.items()}
    gathering = Gathering()
    for key, query in reversed(queries.items()):
        gathering.add(view.row(key), reworded(query, tuning, lexicon))
    wording = gathering.finished("")
    answers = Asking(view, snapshot.view, wording).best(range(view.rows), k)
    for key, query in queries.items():
        reading = query.read_with(lexicon)
        weighed = snapshot.view.ask(
            reading.counts, through=reading.through, lowered=tuning.factors(reading, tuning.kinds(query))
        )
        found = snapshot.view.best(weighed, k)
        its = answers.rows[view.row(key)]
        assert its[its != NOBODY].tolist() == found.rows.tolist()
        assert answers.scores[view.row(key)][: len(found.rows)].tolist() == found.scores.tolist()


def test_what_uses_no_spelling_and_no_lowered_phrase_asks_by_its_own_terms():
    assert reworded(Query(body="钛合金的疲劳", synonyms=BATTERY), MISLEADING) is PLAIN
    through = reworded(Query(body="锂电池焊接", facets=Facets(industries=("C38",)), synonyms=BATTERY), MISLEADING)
    assert "~离子" in through.more
    assert through.lowered["焊接"] == 0.4
    assert set(through.more) & set(Query(body="锂电池焊接").reading.counts) == set()


def test_the_name_of_a_wording_changes_with_what_it_is_made_by():
    names = {
        name_of(synonyms, tuning)
        for synonyms in (Synonyms.of([["锂电池", "锂离子电池"]]), Synonyms.of([["锂电池", "锂电"]]), Synonyms())
        for tuning in (Tuning(), MISLEADING, Tuning(version=3, lowered=MISLEADING.lowered))
    }
    assert len(names) == 6, "three lists of synonyms, with lowered terms and without; other weights lift the same texts"


@pytest.fixture
def stores(tmp_path):
    texts = {
        "problems": {"p1": "锂电池回收", "p2": "钛合金的疲劳试验", "p3": "ＬＥＤ散热", "p4": "石墨烯涂层焊接"},
        "achievements": {"a1": "锂离子蓄电器回收利用", "a2": "发光二极管的散热基板", "a3": "耐久实验台", "a4": "石墨烯导热膜"},
    }  # fmt: skip
    made = {}
    for side, records in texts.items():
        with building(Store(tmp_path / side)) as making:
            making.add((key, Document(text, "", Facets(industries=("C3841",)))) for key, text in records.items())
            making.publish(1)
        made[Way(side)] = Store(tmp_path / side), records
    return made


def begun(folder, stores):
    return Run.begin(folder, stores[Way.PROBLEMS][0], stores[Way.ACHIEVEMENTS][0], k=3, block=1)


def reword(run, stores, way, name=""):
    with run.rewording(way, name) as add:
        for key, text in stores[way][1].items():
            add(key, reworded(Query(text, "", Facets(industries=("C3841",)), synonyms=BATTERY), MISLEADING))
        add("gone", reworded(Query("锂电池", synonyms=BATTERY)))


def test_a_run_asks_in_the_words_that_were_written_down_and_goes_on_in_them(tmp_path, stores):
    plain, run = begun(tmp_path / "plain", stores), begun(tmp_path / "run", stores)
    assert run.wording(Way.PROBLEMS) is None
    for way in Way:
        reword(run, stores, way, "monday")
    run.land(run.left()[0])
    again = Run(run.folder)
    with pytest.raises(ValueError, match="begun to ask"):
        reword(again, stores, Way.PROBLEMS, "tuesday")
    assert again.worded_by(Way.PROBLEMS) == "monday", "what a run began with stays"
    again.work()
    plain.work()
    wide, narrow = dict(again.found(Way.PROBLEMS)), dict(plain.found(Way.PROBLEMS))
    assert next(key for key, _ in wide["p1"]) == "a1"
    assert next(key for key, _ in wide["p3"]) == "a2"
    assert [key for key, _ in wide["p2"]] == ["a3"]
    assert narrow["p2"] == []
    assert wide["p4"][0][1] < narrow["p4"][0][1], "石墨烯 misleads in this industry"
    for way in Way:
        index = SharedIndex(stores[way.other][0])
        snapshot = index.refresh().tuned(MISLEADING)
        for key, text in stores[way][1].items():
            query = Query(text, "", Facets(industries=("C3841",)), synonyms=BATTERY)
            ranked = snapshot.rank(query, k=3, now=NOW).items
            assert dict(again.found(way))[key] == [(one.key, one.text) for one in ranked]


def test_blocks_that_landed_before_are_not_reworded_behind_their_back(tmp_path, stores):
    run = begun(tmp_path / "run", stores)
    run.land(run.left()[0])
    with pytest.raises(ValueError, match="begun to ask"):
        reword(run, stores, Way.PROBLEMS)
    assert run.worded_by(Way.PROBLEMS) is None


def test_a_wording_that_was_damaged_is_noticed(tmp_path, stores):
    run = begun(tmp_path / "run", stores)
    reword(run, stores, Way.PROBLEMS)
    path = run.folder / "problems.wording"
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged):
        run.wording(Way.PROBLEMS)


def test_an_empty_wording_is_none_of_the_rows():
    gathering = Gathering()
    gathering.add(0, PLAIN)
    nothing = gathering.finished("")
    assert (len(nothing.rows), nothing.terms) == (0, ())
    assert nothing.starts.tolist() == np.zeros(1, np.int64).tolist()
