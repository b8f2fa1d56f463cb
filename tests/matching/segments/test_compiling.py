import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

from matching.segments.compiling import compiled

KERNELS = """
from compiling import compiled
{imported}

@compiled
def outer(x):
    return inner(x) + 1

print(outer(1))
"""
INNER = """
from compiling import compiled

@compiled
def inner(x):
    return x * {factor}
"""


@pytest.mark.parametrize("folder", [".", "elsewhere"])
def test_a_changed_kernel_is_noticed_by_those_that_call_it_from_another_file(tmp_path, folder):
    import matching.segments.compiling as module

    shutil.copy(module.__file__, tmp_path / "compiling.py")
    kernels = tmp_path / folder
    kernels.mkdir(exist_ok=True)
    (kernels / "outer.py").write_text(KERNELS.format(imported="from inner import inner"), encoding="utf-8")

    beside = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    # Python itself takes a file that was changed within a second, to the same length, for the one that it knows.
    beside |= {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}

    def run(factor):
        (kernels / "inner.py").write_text(INNER.format(factor=factor), encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "outer.py"], cwd=kernels, env=beside, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    assert run(10) == "11"
    assert list(Path(kernels, "__pycache__").glob("*.nbi"))
    assert run(20) == "21"


def test_where_nothing_can_be_kept_kernels_work_all_the_same(monkeypatch):
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    with pytest.raises(RuntimeError):
        numba.njit(cache=True)(_next)
    assert compiled(_next)(1) == 2


def _next(number: int) -> int:
    return number + 1
