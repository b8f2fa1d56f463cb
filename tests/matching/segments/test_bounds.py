import numpy as np
import pytest

from matching.segments.bounds import Flags, Lengths, Open, scan
from matching.segments.codec import DAMP
from matching.segments.files import frozen
from matching.segments.kernels import room_for
from matching.segments.planning import active_after, essential, planned, rest_after
from matching.segments.statistics import COMMON


def lengths_of(norms, shares, steps):
    """As ``statistics.Weighing`` keeps them, in so many steps."""
    unit = norms.max() / steps
    parts = np.minimum(np.ceil(shares * 255), 255).astype(np.uint8)
    low = (norms / unit).astype(np.uint16)
    return Lengths(frozen(low), unit, frozen(parts), frozen(np.array([low.min() * unit])))


@pytest.mark.parametrize("steps", [1, 7, 65_535])
@pytest.mark.parametrize("active", [[], [2], [1, 4], [0, 2, 3], [0, 1, 2, 3, 4]])
def test_whoever_can_still_reach_the_bar_is_kept(steps, active):
    """However little is known of the lengths, and also where what is left out could reach the bar by itself."""
    rng = np.random.default_rng([steps, *active])
    n = 6000
    norms = rng.gamma(2, 9, n) + 0.1
    shares = rng.dirichlet(np.ones(len(COMMON)), n).T ** 0.5
    lengths = lengths_of(norms, shares, steps)
    reach = np.zeros(len(COMMON))
    reach[active] = rng.random(len(active))
    sums = (rng.random(n) * norms * rng.choice([0.01, 0.1, 0.5], n)).astype(np.float32)
    admitted = rng.random(n) < 0.9
    room = room_for(n)
    kept = 0
    for pivot in (0.0, 3.0, 60.0):
        rest = pivot / 9
        most = (sums + rest + (reach @ shares) * norms) / (norms + pivot)
        for bar in np.quantile(most, [0.3, 0.9, 0.999]):
            n_found = scan(
                sums, 0, lengths, Open(frozen(admitted.view(np.uint8)), False),
                (reach * lengths.unit / 255).astype(np.float32), np.array(active, np.int64), bar * (1 - 1e-5), pivot,
                rest, Flags(room.bytes, room.words, room.found, room.peaks), n,
            )  # fmt: skip
            wanted = np.flatnonzero(admitted & (most >= bar))
            found = set(room.found[:n_found].tolist())
            assert found >= set(wanted.tolist())
            assert found <= set(np.flatnonzero(admitted).tolist())
            kept += len(found) - len(wanted)
    if steps > 7:  # and hardly anybody else
        assert kept < 0.1 * 9 * n


@pytest.mark.parametrize("seed", range(6))
def test_no_row_gets_more_from_what_waits_than_the_plan_says(seed):
    rng = np.random.default_rng(seed)
    n, rows, n_classes = 40, 1000, len(COMMON)
    weights, idf = rng.random(n) / n, 1 + 8 * rng.random(n)
    classes = rng.integers(0, n_classes + 1, n).astype(np.int8)
    df, top_tf = rng.integers(1, rows, n).astype(np.uint32), rng.integers(1, 9, n).astype(np.uint32)
    plan = planned(weights, idf, classes, df, top_tf, DAMP, n_classes, rows, 1, 30.0)
    assert sorted(plan.order.tolist()) == list(range(n))
    tf = rng.integers(0, top_tf + 1, (rows, n))
    parts = np.where(tf > 0, DAMP[tf], 0.0) * idf * weights
    active, by = np.empty(n_classes, np.int64), np.zeros(n_classes, np.float32)
    for stage in range(n_classes + 2):
        waiting = plan.order[plan.first[stage + 1] :]
        most = np.full(rows, rest_after(plan, stage))
        for c in active[: active_after(plan, stage, n_classes, 1.0, active, by)].tolist():
            shares = np.sqrt(((np.where(tf > 0, DAMP[tf], 0.0) * idf)[:, classes == c] ** 2).sum(axis=1))
            most += float(by[c]) * 255 * shares * (1 + 1e-5)
        assert (parts[:, waiting].sum(axis=1) <= most + 1e-12).all()
        for need in (0.01, 0.1, 1.0):
            some = essential(plan, stage, need)
            if some >= 0:
                assert some <= plan.first[stage + 1]
                assert (parts[:, plan.order[some:]].sum(axis=1) < need).all()
