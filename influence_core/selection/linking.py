"""Groups of rows that links make one: connected components."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


def joined(group: Integers, one: Integers, other: Integers) -> Integers:
    """Return the group of each row (n,) when every two linked groups have become one.

    Args:
        group: numbers of the groups of the rows (n,), from 0.
        one: a group of each link (m,).
        other: the group that it leads to (m,).

    >>> joined(np.array([0, 1, 2, 1]), np.array([0]), np.array([1])).tolist()
    [0, 0, 1, 0]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    apart = one != other
    if not apart.any():
        return group
    groups = int(group.max()) + 1
    links = (np.ones(np.count_nonzero(apart), bool), (one[apart], other[apart]))
    _, component = connected_components(coo_array(links, shape=(groups, groups)), directed=False)
    return np.asarray(component[group], dtype=np.int64)
