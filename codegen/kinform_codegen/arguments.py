"""The flags of the command line, and the settings that they come to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from kinform_codegen.config import find_config, read_config
from kinform_codegen.errors import SettingsError
from kinform_codegen.settings import (
    MODEL_KINDS,
    PackageOptions,
    Selection,
    Settings,
    Sources,
    check_license,
    check_package_name,
    check_sources,
    check_version,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Command", "parse"]

_ABOUT = """\
Generates typed Kubernetes informers, listers, clients and models for Python, from OpenAPI, from custom resource
definitions or from a running cluster: one package, ready to install, type-check and publish.
"""

_EXAMPLES = """\
examples:
  {prog}                                       what [tool.kinform] of the pyproject.toml says
  {prog} --check                               is it up to date? exit 1 names what is not
  {prog} --openapi v1.37                       Kubernetes, from a spec that comes with kinform-codegen
  {prog} --openapi swagger.json                from a file or a URL; OpenAPI v3 or Swagger v2
  {prog} --crd config/crd --package acme_widgets
                                               custom resources, from the YAML or JSON files of a folder
  {prog} --crd widgets.yaml --crd https://host/gadgets.yaml
  helm template acme | {prog} --crd -          from standard input
  {prog} --openapi v1.37 --crd config/crd      both, in one package
  {prog} --cluster --context staging           a running cluster, its custom resources included
  {prog} --cluster --group example.com         one group of it
  {prog} --openapi v1.37 --include 'apps/v1' --include 'core/v1/pods'
  {prog} capture --help                        make a spec for --openapi from a running API server

what is written:
  DIR/pyproject.toml, DIR/README.md, DIR/PACKAGE/: models, clients, listers, informers, factory, clientset.
  All or nothing: a run that fails leaves DIR as it was. Files of an earlier run that are no longer needed go;
  files that you put beside them stay. A hand-written DIR/PACKAGE/listers/GROUP/VERSION/KIND_expansion.py (or the same
  under informers/) adds its class KindListerExpansion (KindInformerExpansion) to the generated one.

configuration:
  [tool.kinform] in pyproject.toml has the flags' names as keys, of those that can be repeated the plural (crds,
  groups); [[tool.kinform]], which can be repeated, generates several packages.

exit status: 0 done, 1 --check found differences, 2 an error, which names the place and the mend.
"""

_ONE_RUN: Final = (
    "context",
    "group",
    "include",
    "exclude",
    "output",
    "package",
    "version",
    "license",
    "models",
    "standalone",
)
"""The flags that say what one package is like, and so go with flags that say where it comes from."""


class Command(NamedTuple):
    """What to do.

    Attributes:
        packages: What to generate.
        check: Whether to write nothing and to tell what would change.
    """

    packages: list[Settings]
    check: bool


def parse(arguments: Sequence[str], prog: str) -> Command:
    """Reads the command line; where it does not say what to generate from, the configuration does.

    Raises:
        SettingsError: Flags or configuration ask for what cannot be, or neither says what to generate from.
        SystemExit: The flags are none (argparse has said so), or ask for help.
    """
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    if options.openapi and options.cluster:
        parser.error("--openapi and --cluster exclude each other: both would describe the same resources")
    if options.context and not options.cluster:
        parser.error("--context goes with --cluster")
    sources = Sources(options.openapi, tuple(options.crd), options.cluster, options.context)
    if sources:
        if options.config is not None:
            parser.error("--config excludes --openapi, --crd and --cluster, which say themselves what to generate from")
        return Command([_settings(options, check_sources(sources))], options.check)
    for name in _ONE_RUN:
        if getattr(options, name):
            parser.error(
                f"--{name} goes with --openapi, --crd or --cluster; without these, [tool.kinform] of the"
                " pyproject.toml says it"
            )
    config = options.config or find_config(Path.cwd())
    if config is None:
        raise SettingsError(
            "nothing says what to generate from, and no pyproject.toml here or above has a [tool.kinform]",
            mend=f"give --openapi, --crd or --cluster ({prog} --help shows examples), or write a [tool.kinform]",
        )
    return Command(read_config(config), options.check)


def _settings(options: argparse.Namespace, sources: Sources) -> Settings:
    return Settings(
        sources=sources,
        options=PackageOptions(
            package=None if options.package is None else check_package_name(options.package),
            version=None if options.version is None else check_version(options.version),
            license=None if options.license is None else check_license(options.license),
            models=options.models or "pydantic",
            standalone=options.standalone,
            selection=Selection(tuple(options.group), tuple(options.include), tuple(options.exclude)),
        ),
        output=options.output or Path("generated"),
    )


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        usage=f"{prog} [--openapi FILE|URL | --cluster [--context NAME]] [--crd FILE|DIR|URL|-]… [options]\n"
        f"       {prog} capture …",
        description=_ABOUT,
        epilog=_EXAMPLES.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    source = parser.add_argument_group("what to generate from")
    source.add_argument(
        "--openapi",
        metavar="FILE|URL",
        type=_not_empty,
        help="OpenAPI v3 or Swagger v2 (seen by itself), as JSON: a file, a URL, or a bundled version",
    )
    source.add_argument(
        "--crd",
        metavar="FILE|DIR|URL|-",
        type=_not_empty,
        action="append",
        default=[],
        help="custom resource definitions, in YAML or JSON; may be given several times",
    )
    source.add_argument("--cluster", action="store_true", help="read the cluster of the kubeconfig, or of the own pod")
    source.add_argument(
        "--context", metavar="NAME", type=_not_empty, help="with --cluster: this context, not the current one"
    )
    source.add_argument(
        "--config", metavar="FILE", type=_path, help="a pyproject.toml (default: the nearest one with [tool.kinform])"
    )
    what = parser.add_argument_group("what to take")
    for flag, metavar, about in (
        ("--group", "GROUP", "only this API group (core is the core group); may be given several times"),
        ("--include", "GLOB", "only what matches GROUP[/VERSION[/PLURAL]]; may be given several times"),
        ("--exclude", "GLOB", "not what matches; may be given several times"),
    ):
        what.add_argument(flag, metavar=metavar, type=_not_empty, action="append", default=[], help=about)
    package = parser.add_argument_group("the package")
    package.add_argument("--output", metavar="DIR", type=_path, help="where to write (default: generated/)")
    package.add_argument(
        "--package",
        metavar="NAME",
        type=_not_empty,
        help="its import name (default: kinform_k8s, or kinform_crds where it holds custom resources alone)",
    )
    package.add_argument(
        "--version",
        metavar="VERSION",
        type=_not_empty,
        help="its distribution's version (default: Kubernetes' minor, or 0.1.0)",
    )
    package.add_argument(
        "--license", metavar="SPDX", type=_not_empty, help="the licence that its metadata name (default: none)"
    )
    package.add_argument(
        "--models", choices=MODEL_KINDS, help="what the models are made of (default: pydantic; see docs/models.md)"
    )
    package.add_argument(
        "--standalone",
        action="store_true",
        help="custom resources alone: bring ObjectMeta and the like along, instead of using those of kinform-k8s",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 and name what would change")
    return parser


def _not_empty(text: str) -> str:
    """An argument. An empty one is an unset variable of a script, most likely, and no folder to write to."""
    if not text:
        raise argparse.ArgumentTypeError("is empty")
    return text


def _path(text: str) -> Path:
    return Path(_not_empty(text))
