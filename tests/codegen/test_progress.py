from __future__ import annotations

import io

from kinform_codegen.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_hears_nothing() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    progress.step("reading")
    progress.clear()
    progress.done("done")
    assert stream.getvalue() == ""


def test_a_terminal_sees_one_line_that_changes() -> None:
    stream = Terminal()
    times = iter([10.0, 12.34])
    progress = Progress(stream, clock=lambda: next(times))
    progress.step("reading")
    progress.step("writing")
    progress.done("3 files")
    assert stream.getvalue() == "\r\x1b[Kreading …\r\x1b[Kwriting …\r\x1b[K3 files (2.3 s)\n"
