"""What one run is asked to do: where specifications come from, what is taken of them, and what package comes out."""

from __future__ import annotations

import keyword
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, get_args

from kinform_codegen.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ModelKind", "PackageOptions", "Selection", "Settings", "Sources", "check_package_name"]

ModelKind = Literal["pydantic", "msgspec"]
"""What the models of a package are made of."""

MODEL_KINDS: Final[tuple[str, ...]] = get_args(ModelKind)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the specification comes from; at least one is given, and a cluster excludes an OpenAPI document.

    Attributes:
        openapi: A file, a URL, or the name of a bundled spec.
        crds: Files, folders or URLs with CustomResourceDefinitions; ``-`` is standard input.
        cluster: Whether to read the cluster of the kubeconfig.
        context: The kubeconfig's context for that; None is the current one.
    """

    openapi: str | None = None
    crds: tuple[str, ...] = ()
    cluster: bool = False
    context: str | None = None

    def __bool__(self) -> bool:
        return bool(self.openapi or self.crds or self.cluster)

    def __str__(self) -> str:
        named = [self.openapi] if self.openapi else []
        if self.cluster:
            named.append(f"the cluster of context {self.context}" if self.context else "the cluster")
        return ", ".join([*named, *("standard input" if each == "-" else each for each in self.crds)])


@dataclass(frozen=True, slots=True)
class Selection:
    """Which resources become part of the package.

    Attributes:
        groups: API groups (``core`` is the core group); none: all.
        include: Patterns ``GROUP[/VERSION[/PLURAL]]`` with the wildcards of file names; none: all.
        exclude: The same, for what is left out.
    """

    groups: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.groups or self.include or self.exclude)


@dataclass(frozen=True, slots=True)
class PackageOptions:
    """What the emitted package is like.

    Attributes:
        package: Its import name; None is ``kinform_k8s`` where it holds Kubernetes' own resources, else
            ``kinform_crds``.
        version: Its distribution's version; None follows the Kubernetes that it describes, else ``0.1.0``.
        license: Its licence, as an SPDX expression; None says nothing of it.
        models: What its models are made of.
        standalone: Whether a package of custom resources alone brings its own copies of the types that it shares with
            Kubernetes (``ObjectMeta``), instead of those of ``kinform-k8s``.
        selection: Which resources it has.
    """

    package: str | None = None
    version: str | None = None
    license: str | None = None
    models: ModelKind = "pydantic"
    standalone: bool = False
    selection: Selection = field(default_factory=Selection)


@dataclass(frozen=True, slots=True)
class Settings:
    """One package to generate.

    Attributes:
        sources: Where its specification comes from.
        options: What it is like.
        output: The folder of its project.
    """

    sources: Sources
    options: PackageOptions = field(default_factory=PackageOptions)
    output: Path = Path("generated")


_TAKEN: Final = frozenset(
    {"annotated_types", "certifi", "dateutil", "kinform", "kinform_codegen", "kubernetes", "msgspec", "pydantic"}
    | {"pydantic_core", "requests", "six", "typing_extensions", "urllib3", "yaml"}
)
"""What emitted packages import, directly or through the runtime: one of that name would hide it."""


def check_package_name(name: str) -> str:
    """A name that can be imported and published: lower-case letters, digits and underscores.

    Raises:
        SettingsError: It is none, or it is taken by Python or by kinform itself.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise SettingsError(
            f"the package name {name!r} is none that can be imported and published",
            mend="take lower-case letters, digits and single underscores, such as acme_widgets",
        )
    if name in _TAKEN or name in sys.stdlib_module_names:
        raise SettingsError(
            f"the package name {name!r} is taken: it would hide another package",
            mend="choose another name, such as acme_widgets",
        )
    return name


# PEP 440 without local versions, which an index refuses.
_VERSION: Final = re.compile(
    r"([1-9][0-9]*!)?(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))*((a|b|rc)(0|[1-9][0-9]*))?"
    r"(\.post(0|[1-9][0-9]*))?(\.dev(0|[1-9][0-9]*))?"
)


def check_version(version: str) -> str:
    """A version that an index takes.

    Raises:
        SettingsError: It is none (PEP 440).
    """
    if not _VERSION.fullmatch(version):
        raise SettingsError(
            f"{version!r} is no version that can be published", mend="take one such as 1.2.0 or 1.2.0rc1 (PEP 440)"
        )
    return version


def check_license(text: str) -> str:
    """A licence as metadata name it: an SPDX expression such as ``MIT OR Apache-2.0``.

    Raises:
        SettingsError: It holds what no such expression can.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+()\- ]*", text):
        raise SettingsError(
            f"{text!r} is no licence expression", mend='write one of SPDX, such as MIT or "MIT OR Apache-2.0"'
        )
    return text


def check_sources(sources: Sources) -> Sources:
    """Sources that go together.

    Raises:
        SettingsError: They do not, or there are none.
    """
    if sources.openapi and sources.cluster:
        raise SettingsError(
            "a cluster and an OpenAPI document were both given: they would describe the same resources twice",
            mend="take one of the two; custom resource definitions go with either",
        )
    if sources.context and not sources.cluster:
        raise SettingsError("a context was given without a cluster", mend="add --cluster (cluster = true)")
    for location in duplicates(sources.crds):
        raise SettingsError(f"{location!r} was given twice as custom resource definitions", mend="give it once")
    return sources


def duplicates(values: Sequence[str]) -> list[str]:
    """The values that stand more than once, each once."""
    return sorted({value for value in values if values.count(value) > 1})
