"""Pieces of work side by side: each once, all of them, and no error lost."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from kinform.workqueue import parallelize


@pytest.mark.scenario("Q28")
@pytest.mark.parametrize(("pieces", "chunk_size"), [(1000, 1), (1000, 10), (1000, 100), (999, 13)])
def test_each_piece_is_visited_exactly_once(pieces: int, chunk_size: int) -> None:
    seen: Counter[int] = Counter()
    lock = threading.Lock()

    def work(piece: int) -> None:
        with lock:
            seen[piece] += 1

    assert parallelize(work, range(pieces), workers=10, chunk_size=chunk_size)
    assert seen == Counter(range(pieces))


def test_pieces_run_side_by_side_but_on_no_more_threads_than_there_are_chunks() -> None:
    together = threading.Barrier(3)
    names = set()

    def work(piece: str) -> None:
        names.add(threading.current_thread().name)
        together.wait(10)

    assert parallelize(work, ["a", "b", "c"], workers=50)
    assert len(names) == 3


def test_no_pieces_are_no_work() -> None:
    assert parallelize(pytest.fail, [], workers=3)


def test_what_a_piece_raises_stops_no_other_and_is_not_lost() -> None:
    seen = []

    def work(piece: int) -> None:
        seen.append(piece)
        if piece % 3 == 0:
            raise ValueError(piece)

    with pytest.raises(ExceptionGroup, match="4 of 10 pieces failed") as caught:
        parallelize(work, range(10), workers=3, chunk_size=2)
    assert sorted(seen) == list(range(10))
    assert [error.args for error in caught.value.exceptions] == [(0,), (3,), (6,), (9,)], "in the order of the pieces"


def test_an_exit_in_a_piece_comes_out_as_one() -> None:
    def work(piece: int) -> None:
        raise SystemExit(piece)

    with pytest.raises(BaseExceptionGroup) as caught:
        parallelize(work, [1], workers=1)
    assert isinstance(caught.value.exceptions[0], SystemExit)


def test_cancelled_no_further_piece_is_begun() -> None:
    cancel = threading.Event()
    seen = []

    def work(piece: int) -> None:
        seen.append(piece)
        if piece == 3:
            cancel.set()

    assert not parallelize(work, range(100), workers=1, chunk_size=7, cancel=cancel)
    assert seen == [0, 1, 2, 3]


def test_an_interrupted_caller_begins_nothing_more_and_awaits_what_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()
    seen = []

    def work(piece: int) -> None:
        seen.append(piece)
        inside.set()
        assert go_on.wait(10)

    class Interrupted(threading.Thread):
        joins = 0

        def join(self, timeout: float | None = None) -> None:
            self.joins += 1
            if self.joins == 1:
                assert inside.wait(10)
                raise KeyboardInterrupt
            go_on.set()
            super().join(timeout)

    monkeypatch.setattr(threading, "Thread", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        parallelize(work, range(3), workers=1, chunk_size=3)
    assert seen == [0]
    assert not any(thread.name.startswith("kinform-parallelize") for thread in threading.enumerate())


@pytest.mark.parametrize(("workers", "chunk_size"), [(0, 1), (1, 0)])
def test_nonsense_is_refused(workers: int, chunk_size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        parallelize(print, [1], workers=workers, chunk_size=chunk_size)
