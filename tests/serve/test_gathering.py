"""Work off the event loop: in a thread that ends, and in batches of what came meanwhile."""

import asyncio
import threading

import pytest

from hanota.errors import LocalError
from hanota.serve.gathering import Gathering, in_own_thread


def test_a_thread_of_its_own_gives_what_it_returns_or_raises():
    async def main():
        assert await in_own_thread(threading.get_ident) != threading.get_ident()
        with pytest.raises(LocalError, match="no"):
            await in_own_thread(refuse)

    def refuse():
        raise LocalError("no")

    asyncio.run(main())


def test_a_thread_ends_with_its_work():
    async def main():
        thread = await in_own_thread(threading.current_thread)
        thread.join(10)
        assert not thread.is_alive()

    asyncio.run(main())


class Work:
    """Doubles numbers when it is let, and keeps what it got in each batch."""

    def __init__(self):
        self.batches = []
        self.may_go_on = asyncio.Event()

    async def __call__(self, items):
        self.batches.append(tuple(items))
        await self.may_go_on.wait()
        if 13 in items:
            raise LocalError("thirteen")
        return [2 * item for item in items]


def test_what_comes_while_others_are_worked_on_is_the_next_batch():
    async def main():
        work = Work()
        gathering = Gathering(work, 3)
        first = asyncio.create_task(gathering.take(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        others = [asyncio.create_task(gathering.take(n)) for n in (2, 3, 4, 5)]
        await asyncio.sleep(0)
        assert work.batches == [(1,)]
        work.may_go_on.set()
        assert await asyncio.gather(first, *others) == [2, 4, 6, 8, 10]
        assert work.batches == [(1,), (2, 3, 4), (5,)]

    asyncio.run(main())


def test_a_fault_is_everybodys_in_the_batch_and_nobody_elses():
    async def main():
        work = Work()
        work.may_go_on.set()
        gathering = Gathering(work, 2)
        given = await asyncio.gather(
            *(gathering.take(n) for n in (13, 1, 2)), return_exceptions=True
        )
        assert [type(each) for each in given] == [LocalError, LocalError, int]

    asyncio.run(main())


def test_who_goes_away_does_not_take_the_others_along():
    async def main():
        work = Work()
        gathering = Gathering(work, 10)
        gone, stays = (asyncio.create_task(gathering.take(n)) for n in (1, 2))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        work.may_go_on.set()
        assert await stays == 4
        assert gone.cancelled()

    asyncio.run(main())
