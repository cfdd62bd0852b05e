"""The one thread that uses a ledger, for a process in which several have something to ask of it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

_T = TypeVar("_T")


class LedgerThread:
    """Does work one after the other, in the order in which it was given, until the `with` ends.

    What is given before then is done; what is raised goes to whoever gave the work.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self.waiting = 0  # work that was given and is not done

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._thread.shutdown()

    async def run(self, work: Callable[[], _T]) -> _T:
        """Do this there, for the event loop."""
        return await asyncio.wrap_future(self._give(work))

    def run_and_wait(self, work: Callable[[], _T]) -> _T:
        """Do this there, for another thread, which waits; never from this thread itself."""
        return self._give(work).result()

    def _give(self, work: Callable[[], _T]) -> "Future[_T]":
        # Counted by whoever gives and by the thread alike: a number to look at, not to rely on.
        self.waiting += 1
        given = self._thread.submit(work)
        given.add_done_callback(self._forget)
        return given

    def _forget(self, _given: "Future[_T]") -> None:
        self.waiting -= 1
