from __future__ import annotations

import sys

import pytest
from benchmarks.processes import BenchmarkError, _Process


def test_a_process_that_ends_is_told_with_the_last_line_that_it_wrote() -> None:
    program = "import sys; print('first', file=sys.stderr); sys.exit('it cannot')"
    process = _Process("the program", [sys.executable, "-c", program])
    with process, pytest.raises(BenchmarkError, match="the program ended: it cannot"):
        process.line(60)


def test_a_process_that_does_not_answer_in_time_is_killed_and_told() -> None:
    process = _Process("the program", [sys.executable, "-c", "input()"])
    with process, pytest.raises(BenchmarkError, match="the program gave no answer within 0 s"):
        process.line(0.2)


def test_answers_are_lines_and_the_end_of_its_input_ends_it() -> None:
    program = "import sys\nfor line in sys.stdin: print(line.strip().upper(), flush=True)"
    with _Process("the program", [sys.executable, "-c", program]) as process:
        process.write("one")
        assert process.line(60) == "ONE\n"
        process.write("two")
        assert process.line(60) == "TWO\n"
