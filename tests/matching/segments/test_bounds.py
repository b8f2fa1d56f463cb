import numpy as np
import pytest

from matching.segments.bounds import Flags, Lengths, Open, scan
from matching.segments.files import frozen
from matching.segments.kernels import room_for
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
