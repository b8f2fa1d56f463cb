"""Everybody against everybody: it goes on where it stopped, and shares out what has few places among what is open now."""

import pytest
from sqlalchemy import update

from marketplace.identity.models import Organisation
from marketplace.listings.models import Listing
from marketplace.pairings import rematching
from marketplace.pairings.rematching import DepthDiffers, NothingPublished, RematchRunning, Wish, Words
from matching.segments.rematch import Way
from matching.synonyms import Synonyms
from matching.tuning import Tuning
from schemas.identity import Verification
from schemas.listings import ListingState
from tests.given import listings


def found(out, one):
    (its,) = [proposals for key, proposals, _ in out.asking if key == str(one.id)]
    return [one.key for one in its]


async def test_a_rematch_from_beginning_to_end(standing, given_there, tmp_path):
    database = standing.database
    folder, _ = await rematching.written_down(database, tmp_path / "empty")
    by = await rematching.words(database)
    with rematching.begun(folder, depth=9, anew=False, by=by) as run:  # nobody is there yet
        run.work()
        assert (await rematching.proposed(database, run, Wish())).asking == []

    university, other, firm = (
        await given_there.university(),
        await given_there.university(),
        await given_there.enterprise(),
    )
    best, second, gone = await listings.achievements(
        given_there.session, university.organisation,
        {"title": "固态电解质薄膜的界面修饰"}, {"title": "固态电解质薄膜"}, {"title": "固态电解质薄膜制备"},
    )  # fmt: skip
    (hidden,) = await listings.achievements(given_there.session, other.organisation, {"title": "固态电解质薄膜界面"})
    one, two = await listings.problems(
        given_there.session, firm.organisation,
        {"title": "求固态电解质薄膜的界面修饰"}, {"title": "固态电解质薄膜的界面怎么修饰"},
    )  # fmt: skip
    await given_there.session.commit()
    folder, lexicon = await rematching.written_down(database, tmp_path)

    with rematching.begun(folder, depth=9, anew=False, by=by) as run:
        await rematching.worded(database, run, by, lexicon)
        left = run.left()
        assert {block.way for block in left} == set(Way)
        run.land(left[0])
        with pytest.raises(RematchRunning), rematching.begun(folder, depth=9, anew=False, by=by):
            pass
    with pytest.raises(DepthDiffers), rematching.begun(folder, depth=8, anew=False, by=by):
        pass
    with rematching.begun(folder, depth=9, anew=False, by=by) as run:  # goes on where it stopped
        assert run.left() == left[1:]
        run.work(threads=2)
    with rematching.begun(folder, depth=9, anew=False, by=by) as run:  # and what is done stays done
        assert not run.left()

        # What is no longer open since is proposed to nobody.
        await given_there.session.execute(
            update(Listing).where(Listing.id == gone.id).values(state=ListingState.WITHDRAWN)
        )
        await given_there.session.execute(
            update(Organisation)
            .where(Organisation.id == other.organisation.id)
            .values(verification=Verification.SUSPENDED)
        )
        await given_there.session.commit()
        plain = await rematching.proposed(database, run, Wish(all=True))
        assert {str(gone.id), str(hidden.id)}.isdisjoint(found(plain, one) + found(plain, two))
        assert found(plain, one)[0] == found(plain, two)[0] == str(best.id)
        assert plain.names[str(best.id)].title == best.title

        once = await rematching.proposed(database, run, Wish(most=1, places=1, floor=1, all=True))
        assert {*found(once, one), *found(once, two)} == {str(best.id), str(second.id)}
        assert once.short == 0
        ((passed,),) = [over for _, _, over in once.asking if over]
        assert (passed.key, passed.rank, passed.places) == (str(best.id), 1, 1)
        together = await rematching.proposed(database, run, Wish(most=1, places=1, by_organisation=True, all=True))
        assert len(found(together, one) + found(together, two)) == 1
        back = await rematching.proposed(database, run, Wish(Way.ACHIEVEMENTS, all=True))
        assert set(found(back, best)) == {str(one.id), str(two.id)}

    with rematching.begun(folder, depth=8, anew=True, by=by) as run:
        assert run.left()


def test_where_nothing_was_ever_published_it_says_so(tmp_path):
    by = Words(Synonyms(), Tuning())
    with pytest.raises(NothingPublished), rematching.begun(tmp_path, depth=5, anew=False, by=by):
        pass
