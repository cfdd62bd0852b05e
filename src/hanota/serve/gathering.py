"""Work that leaves the event loop: in a thread that ends with it, and gathered into batches."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

_T = TypeVar("_T")
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def in_own_thread(work: Callable[[], _T]) -> _T:
    """What `work` returns or raises, done in a thread that ends with it.

    libxml2 keeps every element name that it has met for as long as the thread lives, so XML of
    strangers is read in threads that end, and what was kept goes with them.
    """
    thread = ThreadPoolExecutor(max_workers=1)
    try:
        return await asyncio.get_running_loop().run_in_executor(thread, work)
    finally:
        thread.shutdown(wait=False)


class Gathering(Generic[_Item, _Result]):
    """Items that come while the ones before are being worked on are the next batch.

    One batch at a time, in the order in which they came: an item never waits while nothing is
    done, and under load many share what a batch costs. `work` gives as many results as it gets
    items, at most `limit`; what it raises, everybody gets who has an item in the batch.
    """

    def __init__(
        self, work: Callable[[Sequence[_Item]], Awaitable[Sequence[_Result]]], limit: int
    ) -> None:
        self._work = work
        self._limit = limit
        self._turn = asyncio.Lock()
        self._open: _Batch[_Item, _Result] | None = None

    async def take(self, item: _Item) -> _Result:
        """The result for this item."""
        batch = self._open
        if batch is None or len(batch.items) >= self._limit:
            batch = self._open = _Batch()
            batch.done = asyncio.create_task(self._finish(batch))
        place = len(batch.items)
        batch.items.append(item)
        # Others wait for the same batch: who goes away does not take it along.
        return (await asyncio.shield(batch.done))[place]

    async def _finish(self, batch: "_Batch[_Item, _Result]") -> Sequence[_Result]:
        async with self._turn:
            if self._open is batch:
                self._open = None
            return await self._work(batch.items)


class _Batch(Generic[_Item, _Result]):
    def __init__(self) -> None:
        self.items: list[_Item] = []
        self.done: asyncio.Task[Sequence[_Result]]
