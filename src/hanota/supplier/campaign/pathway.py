"""The order in which firmware versions may follow each other (MP231), and the steps to a version.

A version says which versions it may follow; one that says nothing may follow any. What a device
runs decides where it begins, so that devices of one campaign may need different numbers of steps.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

# From a version to those that it may follow; empty: it may follow any.
Pathway = Mapping[str, Sequence[str]]


def circle(pathway: Pathway) -> tuple[str, ...]:
    """Versions that follow each other in a circle, the first again at the end; () without one.

    An order has none: with a circle a campaign could update a device for ever.
    """
    try:
        TopologicalSorter({version: set(follows) for version, follows in pathway.items()}).prepare()
    except CycleError as error:
        return tuple(error.args[1])
    return ()


def steps(pathway: Pathway, runs: str, target: str) -> tuple[str, ...] | None:
    """The fewest versions to install one after the other, from what a device runs to the target.

    () where it runs the target already; None where the pathway does not lead there.
    """
    if runs == target:
        return ()
    way: dict[str, tuple[str, ...]] = {target: (target,)}
    ahead = deque([target])
    while ahead:
        version = ahead.popleft()
        follows = pathway.get(version)
        if follows is None:
            continue  # a version that no release brings can only be where a device begins
        if not follows or runs in follows:
            return way[version]
        for earlier in follows:
            if earlier not in way:
                way[earlier] = (earlier, *way[version])
                ahead.append(earlier)
    return None
