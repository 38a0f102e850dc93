"""Independent pieces of work on a few threads."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["parallelize"]

T = TypeVar("T")


def parallelize(
    work: Callable[[T], object],
    pieces: Sequence[T],
    *,
    workers: int,
    chunk_size: int = 1,
    cancel: threading.Event | None = None,
) -> bool:
    """Calls ``work(piece)`` for each piece, on several threads, and blocks until all calls are over.

    (client-go: ``workqueue.ParallelizeUntil``; its pieces are numbers, here ``range(n)``.) What a call raises keeps no
    other piece from being worked on; client-go's ends the process. Where the calling thread is interrupted, as by
    Ctrl-C, no further piece is begun, the running ones are awaited, and the interruption goes on its way.

    Args:
        work: Called once per piece, in no certain order; must be thread-safe.
        pieces: What to work on. It must not change meanwhile.
        workers: How many threads at most; there are never more than chunks.
        chunk_size: How many pieces a thread takes at once. More than 1 saves time where there are many small pieces.
        cancel: Once set, no further piece is begun.

    Returns:
        True when every piece was worked on; False where ``cancel`` came before.

    Raises:
        ExceptionGroup: Of all that was raised; ``BaseExceptionGroup`` where something in it is no ``Exception``.
        ValueError: ``workers`` or ``chunk_size`` is less than 1.
    """
    if workers < 1 or chunk_size < 1:
        raise ValueError(f"workers and chunk_size must be at least 1, not {workers} and {chunk_size}")
    stopped = threading.Event()
    starts = iter(range(0, len(pieces), chunk_size))
    lock = threading.Lock()
    errors: list[tuple[int, BaseException]] = []
    unbegun = threading.Event()

    def take() -> int | None:
        with lock:
            return next(starts, None)

    def run() -> None:
        while (start := take()) is not None:
            for index in range(start, min(start + chunk_size, len(pieces))):
                if stopped.is_set() or (cancel is not None and cancel.is_set()):
                    unbegun.set()
                    return
                try:
                    work(pieces[index])
                except BaseException as error:  # noqa: BLE001  (it is raised to the caller, with its like)
                    with lock:
                        errors.append((index, error))

    chunks = -(-len(pieces) // chunk_size)
    threads = [
        threading.Thread(target=run, name=f"kinform-parallelize-{number}", daemon=True)
        for number in range(min(workers, chunks))
    ]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except BaseException:
        stopped.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        raise
    if errors:
        raised = [error for _, error in sorted(errors, key=lambda found: found[0])]
        raise BaseExceptionGroup(f"{len(raised)} of {len(pieces)} pieces failed", raised)
    return not unbegun.is_set()
