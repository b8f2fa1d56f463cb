"""Numba, with one set of options and types that mypy can follow."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

Kernel = TypeVar("Kernel", bound=Callable[..., object])

whole = cast("Callable[[Any], int]", np.int64)
"""What was read from an array of small or unsigned integers, to count and compute with."""


def compiled(kernel: Kernel) -> Kernel:
    """Machine code that holds no lock of the interpreter and is kept on disk for the next process."""
    return _kept(kernel, fastmath=False)


def fused(kernel: Kernel) -> Kernel:
    """The same for bounds, where a multiplication and an addition may be rounded once instead of twice, and nobody looks
    whether a divisor is 0."""
    return _kept(kernel, fastmath={"contract"}, error_model="numpy")


def lean(kernel: Kernel) -> Kernel:
    """The same for kernels that make no array and hold many in tuples: numba then counts no references to them, which
    takes far longer than the work itself where such tuples go from function to function."""
    return _kept(kernel, fastmath=False, _nrt=False)


def _kept(kernel: Kernel, **options: Any) -> Kernel:
    try:
        dispatcher = numba.njit(nogil=True, cache=True, **options)(kernel)
    except RuntimeError:  # there is no folder to keep it in
        dispatcher = numba.njit(nogil=True, **options)(kernel)
    # Numba notices a change of the file that a kernel stands in, but not of another file that it calls into, and would
    # go on with the old code. So the stamp that it compares is that of all of its folder, and of this file.
    folder = Path(kernel.__code__.co_filename).parent
    with suppress(AttributeError):
        dispatcher._cache._cache_file._source_stamp = _sources(folder)  # noqa: SLF001 -- there is no public way; tested
    return cast("Kernel", dispatcher)


@cache
def _sources(folder: Path) -> str:
    digest = sha256(numba.__version__.encode())
    for file in sorted({Path(__file__), *folder.glob("*.py")}):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _prefetch(typing: Any, array: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        pointer = builder.bitcast(builder.gep(data, [arguments[1]]), ir.IntType(8).as_pointer())
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", (pointer.type,), kind)
        builder.call(function, [pointer, number(0), number(2), number(1)])  # to read, into the second level, data
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.intp), generate


def _pointer(typing: Any, address: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return numba.types.voidptr(numba.types.int64), generate


_pointer_to = cast("Callable[[int], Any]", intrinsic(_pointer))


@compiled
def array_at(addresses: NDArray[np.int64], which: int, kind: Any) -> Any:
    """The flat array whose address and length stand in a row of them. Somebody else has to hold it meanwhile."""
    address, length = _pointer_to(addresses[2 * which]), addresses[2 * which + 1]
    return numba.carray(address, (length,), kind)  # type: ignore[attr-defined]


prefetch = cast("Callable[[Any, int], None]", intrinsic(_prefetch))
"""Ask for the element at a place of a flat array to be brought near. Waits for nothing, and may point anywhere."""
