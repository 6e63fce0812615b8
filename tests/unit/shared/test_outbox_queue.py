"""The queue of what transactions said: nobody overtakes, memory is bounded, a failed commit leaves nothing behind."""

import threading

import pytest

from tierflow_shared.bus.port import Message
from tierflow_shared.store.outbox import OutboxEntry, OutboxQueue


def entry(seq: int, count: int = 1) -> OutboxEntry:
    return OutboxEntry(seq, count, [Message("t", "k", b"{}", ())] * count)


def seqs(queue: OutboxQueue, most: int = 100) -> list[int]:
    return [one.seq for one in queue.head(most)]


def test_nobody_overtakes_one_that_has_not_committed_yet() -> None:
    queue, early, late = OutboxQueue(), entry(1), entry(2)
    queue.enter([early])
    queue.enter([late])
    queue.committed([late])
    assert seqs(queue) == []
    queue.committed([early])
    assert seqs(queue) == [1, 2]


def test_a_failed_commit_holds_up_nobody_and_waits_no_longer() -> None:
    """Or a disk that is full for a while would leave a depth that never falls again."""
    queue, failed, good = OutboxQueue(), entry(1, 40), entry(2)
    queue.enter([failed])
    queue.enter([good])
    queue.committed([good])
    queue.withdraw([failed])
    assert queue.waiting == 1
    assert seqs(queue) == [2]
    assert queue.take_uncertain()
    assert not queue.take_uncertain()


def test_what_is_done_leaves_wherever_it_stands_and_only_once() -> None:
    queue, entries = OutboxQueue(), [entry(seq) for seq in range(5)]
    queue.enter(entries)
    queue.committed(entries)
    queue.done([3, 0, 99])
    assert seqs(queue) == [1, 2, 4]
    queue.done([3, 0])
    queue.withdraw([entries[0]])
    assert queue.waiting == 3


def test_a_portion_is_bounded_but_never_empty() -> None:
    queue, entries = OutboxQueue(), [entry(1, 50), entry(2, 5), entry(3, 5)]
    queue.enter(entries)
    queue.committed(entries)
    assert seqs(queue, 10) == [1]
    queue.done([1])
    assert seqs(queue, 9) == [2]
    assert seqs(queue, 10) == [2, 3]


def test_beyond_its_memory_it_holds_numbers_only() -> None:
    queue = OutboxQueue(messages_in_memory=10)
    first, second, third = entry(1, 6), entry(2, 6), entry(3, 4)
    for one in (first, second, third):
        queue.enter([one])
        queue.committed([one])
    assert [one.messages is None for one in queue.head(100)] == [False, True, False]
    queue.done([1, 2, 3])
    again = entry(4, 10)
    queue.enter([again])
    assert again.messages is not None
    assert queue.waiting == 10


@pytest.mark.parametrize("fate", ["committed", "withdraw"])
def test_whoever_publishes_is_woken(fate: str) -> None:
    woken: list[str] = []
    queue, one = OutboxQueue(), entry(1)
    queue.on_ready(lambda: woken.append("up"))
    queue.enter([one])
    assert woken == []
    getattr(queue, fate)([])
    assert woken == []
    getattr(queue, fate)([one])
    assert woken == ["up"]


def test_many_threads_commit_and_fail_while_one_publishes() -> None:
    """The count of what waits ends at nothing, and each committed entry left exactly once."""
    queue, published = OutboxQueue(messages_in_memory=50), []
    threads, each = 4, 500

    def write(thread: int) -> None:
        for number in range(each):
            one = entry(thread * each + number, 1 + number % 3)
            queue.enter([one])
            (queue.withdraw if number % 5 == 0 else queue.committed)([one])

    writers = [threading.Thread(target=write, args=(thread,)) for thread in range(threads)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers) or queue.head(1):
        left = seqs(queue, 20)
        queue.done(left)
        published += left
    assert sorted(published) == [n for n in range(threads * each) if n % 5]
    assert queue.waiting == 0
