"""How the C library gives out large blocks of memory, for processes that see a few very large ones.

glibc raises the size from which a block is mapped by itself each time such a block is freed, up to
32 MB. From then on large blocks come from the heap and leave holes that nothing fits into: with the
largest request of 14 MiB the peak was 119 MiB, and 93 MiB with the size fixed.
"""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # of malloc.h
_MAPPED_OCTETS_MIN = 131_072  # where glibc begins


def map_large_blocks() -> None:
    """Let every large block be mapped by itself, and go back to the system when it is freed.

    Where the C library is another than glibc nothing happens.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, _MAPPED_OCTETS_MIN)
