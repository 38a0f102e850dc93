"""What the fuzzing tests share: how many inputs they try, how long one may take, and how good input is broken."""

from __future__ import annotations

import contextlib
import functools
import signal
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["TRIED", "HangError", "broken", "broken_text", "inputs", "within"]


TRIED: Final[Counter[str]] = Counter()
"""How many inputs each test has tried, by its name; `conftest.py` tells them with the figures."""

Test = TypeVar("Test", bound="Callable[..., None]")


def inputs(times: float) -> Callable[[Test], Test]:
    """Tries so many times the examples of the profile, which are 100 by default and 2000 in the long one."""
    chosen = settings(max_examples=max(10, int(settings().max_examples * times)), suppress_health_check=[*HealthCheck])

    def decorate(test: Test) -> Test:
        handle: Any = test
        inner = handle.hypothesis.inner_test

        @functools.wraps(inner)
        def counted(*args: object, **kwargs: object) -> None:
            TRIED[test.__name__] += 1
            inner(*args, **kwargs)

        handle.hypothesis.inner_test = counted
        return chosen(test)

    return decorate


class HangError(AssertionError):
    """One input took so long that a reader would call it a hang."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails the test where the block takes longer, in whatever loop it is. For the main thread."""
    assert threading.current_thread() is threading.main_thread()

    def late(_number: int, _frame: FrameType | None) -> NoReturn:
        raise HangError(f"still busy after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# What breaks a reader of JSON, of YAML or of HTTP.
_NASTY: Final = (
    b"\x00",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",  # a surrogate in UTF-8
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n",
    b"\\",
    b'"',
    b"\\ud800",
    b"\\u0000",
    b"{",
    b"}",
    b"[",
    b"]",
    b"}}",
    b",",
    b":",
    b"null",
    b"NaN",
    b"1e999",
    b"-",
    b"9" * 400,
    b"9" * 5000,
    b"[" * 2000,
    b'{"a":' * 2000,
    b"[" * 50_000,
    b',"managedFields":[',
    b'"metadata":{',
    b"\xe2\x80\xa8",
)

Change = tuple[str, int, int, bytes]
"""What is done, where, over how many bytes, and what is put in."""

_CHANGE: Final[st.SearchStrategy[Change]] = st.tuples(
    st.sampled_from(["flip", "cut", "end", "double", "insert", "swap", "replace"]),
    st.integers(0, 1 << 20),
    st.one_of(st.integers(1, 8), st.integers(1, 200)),
    st.one_of(st.sampled_from(_NASTY), st.binary(min_size=1, max_size=4)),
)

_CHANGES: Final = st.lists(_CHANGE, min_size=1, max_size=4)


def _changed(data: bytes, change: Change) -> bytes:
    how, where, size, text = change
    at = where % (len(data) + 1)
    before, part, after = data[:at], data[at : at + size], data[at + size :]
    match how:
        case "flip":
            return before + bytes([(part or b"\0")[0] ^ (1 << size % 8)]) + data[at + 1 :]
        case "cut":
            return before + after
        case "end":
            return before
        case "double":
            return before + part + part + after
        case "insert":
            return before + text + part + after
        case "swap":
            return before + after[:size] + part + after[size:]
        case _:
            return before + text + after


def broken(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Good input with one to four faults in it."""
    return st.builds(lambda data, changes: functools.reduce(_changed, changes, data), good, _CHANGES)


def broken_text(good: st.SearchStrategy[bytes]) -> st.SearchStrategy[str]:
    """The same as text, for readers that are given text."""
    return broken(good).map(lambda data: data.decode("utf-8", "replace"))
