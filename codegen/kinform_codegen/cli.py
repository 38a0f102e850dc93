"""The command line: ``kinform-codegen``, and ``python -m codegen`` in the repository."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from kinform_codegen.errors import CodegenError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    from kinform_codegen.generate import GeneratedTree
    from kinform_codegen.progress import Progress

__all__ = ["main"]

_ABOUT = """\
Generates typed Kubernetes informers, listers, clients and models for Python from OpenAPI:
one package, kinform_k8s, ready to install, type-check and publish.
"""

_EXAMPLES = """\
examples:
  {prog} --openapi openapi/v1.30.json          from a file made by `capture`
  {prog} --openapi swagger.json                from Kubernetes' own Swagger v2 file
  {prog} --openapi https://host/swagger.json   from a URL
  {prog} --openapi v1.37                       from a spec that comes with kinform-codegen
  {prog} --cluster --context staging           from a running cluster, its custom resources included
  {prog} --openapi v1.30 --check               is generated/ up to date? exit 1 names what is not
  {prog} capture --help                        make such a file from a running API server

what is written:
  DIR/pyproject.toml, DIR/README.md, DIR/kinform_k8s/: models, clients, listers, informers, factory, clientset.
  All or nothing: a run that fails leaves DIR as it was. Files of an earlier run that are no longer needed go;
  files that you put beside them stay.

exit status: 0 done, 1 --check found differences, 2 an error, which names the place and the mend.
"""


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
            return _generate(_parse(given, prog))
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


def _parse(arguments: Sequence[str], prog: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} (--openapi FILE|URL | --cluster [--context NAME]) [--output DIR] [--check]\n"
        f"       {prog} capture …",
        description=_ABOUT,
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--openapi",
        metavar="FILE|URL",
        type=_not_empty,
        help="OpenAPI v3 or Swagger v2 (seen by itself), as JSON: a file, a URL, or a bundled version",
    )
    source.add_argument("--cluster", action="store_true", help="read the cluster of the kubeconfig, or of the own pod")
    parser.add_argument(
        "--context", metavar="NAME", type=_not_empty, help="with --cluster: this context, not the current one"
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        type=lambda text: Path(_not_empty(text)),
        default=Path("generated"),
        help="where to write (default: generated/)",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what would change")
    options = parser.parse_args(arguments)
    if options.context and not options.cluster:
        parser.error("--context goes with --cluster")
    return options


def _not_empty(text: str) -> str:
    """An argument. An empty one is an unset variable of a script, most likely, and no folder to write to."""
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    return text


def _generate(options: argparse.Namespace) -> int:
    from kinform_codegen.generate import PACKAGE, generate  # noqa: PLC0415  (--help answers at once)
    from kinform_codegen.progress import Progress  # noqa: PLC0415
    from kinform_codegen.spec.load import load_cluster, load_spec  # noqa: PLC0415
    from kinform_codegen.write import apply_changes, find_changes  # noqa: PLC0415

    progress = Progress()
    output: Path = options.output
    try:
        progress.step(f"reading {options.openapi or 'the cluster'}")
        spec = load_cluster(options.context) if options.cluster else load_spec(options.openapi)
        tree = generate(spec, progress)
        changes = find_changes(output, tree.files, package=PACKAGE)
        if not options.check:
            progress.step(f"writing {output}")
            apply_changes(output, tree.files, changes)
    finally:
        progress.clear()
    for note in tree.notes:
        sys.stderr.write(f"note: {note}\n")
    count = sum(1 for _ in changes)
    if options.check:
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
