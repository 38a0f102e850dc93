"""The command line: ``kinform-codegen``, and ``python -m codegen`` in the repository."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from kinform_codegen.arguments import parse
from kinform_codegen.errors import CodegenError, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from kinform_codegen.arguments import Command
    from kinform_codegen.generate import GeneratedTree
    from kinform_codegen.progress import Progress
    from kinform_codegen.settings import Settings
    from kinform_codegen.write import Changes

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, prog: str = "kinform-codegen") -> int:
    """Runs the command line.

    Args:
        arguments: Without the program's name; None takes the process's own.
        prog: What the help calls the program.

    Returns:
        The exit status.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with _orderly_end():
            if given[:1] == ["capture"]:
                return _capture(given[1:], prog)
            return _generate(parse(given, prog))
    except CodegenError as error:
        sys.stderr.write(f"{prog}: error: {error}\n")
        return 2
    except _KilledError as killed:
        return 128 + killed.number
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Who read our output has had enough (`--check | head`). Nothing more can be said, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


class _KilledError(BaseException):
    """The process was asked to end."""

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(number)


@contextlib.contextmanager
def _orderly_end() -> Iterator[None]:
    """Makes an error of a signal to end, so that a run that is killed while it writes puts back what was there."""
    if threading.current_thread() is not threading.main_thread():  # no other may take signals
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise _KilledError(number)

    ending = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, end) for number in ending if signal.getsignal(number) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _generate(command: Command) -> int:
    """Generates the packages, then writes them: one that cannot be generated leaves all as they were.

    Returns:
        The worst status of theirs.
    """
    from kinform_codegen.progress import Progress  # noqa: PLC0415  (--help answers at once)

    progresses = [Progress() for _ in command.packages]
    made = [_plan_one(*each) for each in zip(command.packages, progresses, strict=True)]
    return max(_finish_one(*each, check=command.check) for each in zip(command.packages, progresses, made, strict=True))


def _plan_one(settings: Settings, progress: Progress) -> tuple[GeneratedTree, Changes]:
    """Generates a package and compares it with what is there; writes nothing."""
    from kinform_codegen.generate import generate  # noqa: PLC0415
    from kinform_codegen.spec.gather import gather  # noqa: PLC0415
    from kinform_codegen.write import find_changes  # noqa: PLC0415

    try:
        progress.step(f"reading {settings.sources}")
        spec = gather(settings.sources, settings.options.selection.groups)
        tree = generate(spec, progress, settings.options, output=settings.output)
        return tree, find_changes(settings.output, tree.files, package=tree.package)
    finally:
        progress.clear()


def _finish_one(settings: Settings, progress: Progress, made: tuple[GeneratedTree, Changes], *, check: bool) -> int:
    """Writes a package, or says what would change."""
    from kinform_codegen.write import apply_changes  # noqa: PLC0415

    output = settings.output
    tree, changes = made
    try:
        if not check:
            progress.step(f"writing {output}")
            apply_changes(output, tree.files, changes)
    finally:
        progress.clear()
    for note in tree.notes:
        sys.stderr.write(f"note: {printable(note)}\n")
    count = sum(1 for _ in changes)
    if check:
        for verb, path in changes:
            sys.stdout.write(f"would {verb} {output / path}\n")
        _conclude(progress, tree, f"{count} files of {output} would change" if count else f"{output} is up to date")
        return 1 if changes else 0
    _conclude(progress, tree, f"{output}: {count} files changed" if count else f"{output} was up to date")
    return 0


def _conclude(progress: Progress, tree: GeneratedTree, text: str) -> None:
    progress.done(
        f"{text}; {len(tree.files)} files in all, {tree.resources} resources, {tree.cacheable} with informers"
    )


def _capture(arguments: Sequence[str], prog: str) -> int:
    from kinform_codegen.capture import add_capture_arguments, run_capture  # noqa: PLC0415  (needs the runtime)

    parser = argparse.ArgumentParser(
        prog=f"{prog} capture",
        description="Makes a specification for --openapi from a running API server.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add_capture_arguments(parser)
    return run_capture(parser.parse_args(arguments))


if __name__ == "__main__":
    sys.exit(main())
