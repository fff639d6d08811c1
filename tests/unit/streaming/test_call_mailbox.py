"""The bounded mailbox: the newest stay, the account is right, threads may put."""

import asyncio
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrsr.streaming.newest import Ended, Newest


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 4), st.lists(st.booleans(), max_size=40))
def test_what_comes_out_is_what_a_bounded_list_would_keep(depth, puts):
    async def run() -> None:
        box, kept, lost, number = Newest[int](depth), [], 0, 0
        for put in puts:
            if put:
                box.put(number)
                kept.append(number)
                number += 1
                lost += len(kept) > depth
                kept = kept[-depth:]
            elif kept:
                assert await box.get() == kept.pop(0)
            assert (len(box), box.dropped, box.offered) == (len(kept), lost, number)

    asyncio.run(run())


def test_a_waiting_reader_is_woken_from_another_thread_and_told_of_the_end():
    async def run() -> list[int]:
        box: Newest[int] = Newest()
        reader = asyncio.create_task(box.get())
        await asyncio.sleep(0)
        thread = threading.Thread(target=lambda: (box.put(7), None)[1])
        thread.start()
        got = [await reader]
        thread.join()
        box.put(8)
        box.close()
        box.put(9)
        got.append(await box.get())
        with pytest.raises(Ended):
            await box.get()
        return got

    assert asyncio.run(run()) == [7, 8]


def test_a_closed_loop_does_not_matter_to_who_puts():
    async def make() -> Newest[int]:
        return Newest()

    box = asyncio.run(make())
    box.put(1)
    assert len(box) == 1
