"""The kernel finds what a plain loop over each sentence finds: see ``phrases_by_hand``."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from matching.explain import trimmed
from matching.segments.passages import Sought
from matching.text import count_all, normalise, sentences_read
from tests.matching.given import any_text, texts, unhurried
from tests.matching.phrases_by_hand import Matched, occurrences, shared_phrases


@unhurried
@given(
    document=texts | any_text,
    query=texts | any_text,
    share=st.integers(1, 3),
)
@example(document="锂离子电池正极材料制备工艺优化方法研究", query="锂离子电池正极材料制备工艺优化方法研究", share=1)
@example(document="𠀀𪛖电池。ＬＯＲＡ", query="𪛖电池 lora", share=1)
def test_is_what_each_sentence_says(document, query, share):
    terms = tuple(count_all(query))
    has = {term for n, term in enumerate(terms) if n % share == 0} & set(count_all(document))
    worth = np.array([float(term in has) for term in terms])
    read = sentences_read(document)
    found = Sought(terms, normalise(query)).standing(read, worth)
    together = "".join(each.normalised for each in read)

    places, here, phrases, begin = [], [], [], 0
    matched = Matched(has)
    for _, normalised, words in read:
        its = occurrences(normalised, words, matched)
        places.append([[one.start + begin, one.end + begin, terms.index(one.term)] for one in its])
        characters = {matched.characters[char] for char in matched.characters.keys() & set(normalised)}
        here.append({terms.index(term) for term in {one.term for one in its} | characters})
        phrases += [
            (label, {terms.index(term) for term in held})
            for label, held in shared_phrases(normalised, words, its, normalise(query))
        ]
        begin += len(normalised)
    assert [found.places[a:b] for a, b in zip(found.places_of, found.places_of[1:], strict=False)] == places
    assert [set(found.here[a:b]) for a, b in zip(found.here_of, found.here_of[1:], strict=False)] == here
    assert len(found.here) == sum(map(len, here))
    assert [
        (trimmed(together[start:end]), {term for _, _, term in found.places[first:last]})
        for start, end, first, last in found.passages
    ] == phrases
