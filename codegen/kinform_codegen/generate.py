"""The whole way from a specification to the files of the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from kinform_codegen.emit.package import header, render_package
from kinform_codegen.errors import SettingsError
from kinform_codegen.expansions import Expansions
from kinform_codegen.formatting import format_tree
from kinform_codegen.plan import KUBERNETES_PACKAGE, make_plan
from kinform_codegen.settings import PackageOptions
from kinform_codegen.spec.resources import find_resources
from kinform_codegen.spec.select import prune, referenced, select
from kinform_codegen.spec.shared import bundled_documents, is_builtin
from kinform_codegen.spec.values import add_value_facts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kinform_codegen.models import ClassRef
    from kinform_codegen.progress import Progress
    from kinform_codegen.spec.load import Spec
    from kinform_codegen.spec.resources import ApiResource
    from kinform_codegen.spec.version import KubernetesVersion

__all__ = ["GeneratedTree", "generate"]

_KUBERNETES_MODELS: Final = "pydantic"
_CUSTOM_PACKAGE: Final = "kinform_crds"
_DEFAULT: Final = PackageOptions()


@dataclass(frozen=True, slots=True)
class GeneratedTree:
    """What was generated.

    Attributes:
        package: The package's import name.
        files: Content by path in the output folder, sorted.
        resources: How many resources have a client.
        cacheable: How many of them have a lister and an informer, too.
        notes: What the user should know: resources left out, facts that were missing.
    """

    package: str
    files: dict[str, bytes]
    resources: int
    cacheable: int
    notes: tuple[str, ...]


def generate(
    spec: Spec, progress: Progress, options: PackageOptions = _DEFAULT, *, output: Path | None = None
) -> GeneratedTree:
    """Generates the package. The same specification and options give the same bytes.

    Args:
        spec: What to generate from; the facts that it lacks are added to its document.
        progress: Hears of each step.
        options: What the package is like.
        output: Where the package will stand, if its hand-written expansions are to be found there. Only read.

    Raises:
        SpecError: The specification cannot be used.
        SettingsError: The selection leaves nothing.
        OutputError: An expansion cannot be used, or the generated code could not be formatted.
    """
    progress.step("finding resources")
    found, untyped = find_resources(spec)
    resources = select(found, options.selection, spec.left_out)
    notes = [*spec.notes, *(f"{path} is left out: it has no typed objects" for path in untyped)]
    builtin = any(is_builtin(resource.schema) for resource in resources)
    reused: Mapping[str, ClassRef] = {}
    if not builtin and not options.standalone and options.models == _KUBERNETES_MODELS:
        reused = _reused(spec, resources)
    if not reused:
        facts_from = add_value_facts(spec.document, spec.version)
        if builtin and spec.version is None:
            notes.append(_unversioned(spec.source, facts_from))
    package = options.package or (KUBERNETES_PACKAGE if builtin else _CUSTOM_PACKAGE)
    if reused and package == KUBERNETES_PACKAGE:
        raise SettingsError(
            f"custom resources take ObjectMeta and the like from {package}: it cannot be their own package, too",
            mend="choose another name, or make one package of both: add --openapi, or --standalone",
        )
    plan = make_plan(
        spec,
        resources,
        package=package,
        version=options.version,
        builtin=builtin,
        reuses_kubernetes=bool(reused),
        models=options.models,
        license=options.license,
    )
    progress.step(f"generating models for {len(resources)} resources")
    # Brings datamodel-code-generator along: half a second that an early error should not cost.
    from kinform_codegen.models import generate_models  # noqa: PLC0415

    document = spec.document
    if options.selection or not builtin:
        document = prune(document, resources, without=reused)
    models = generate_models(document, package=package, header=header(plan), reused=reused, backend=options.models)
    notes += [
        f"{cls.module}.{cls.name} drops fields that its schema does not name, though the API keeps them"
        " (x-kubernetes-preserve-unknown-fields): change such objects with patch, or take --models pydantic"
        for cls in models.lossy
    ]
    progress.step("generating clients, listers and informers")
    expansions = Expansions.find(output / package) if output is not None else Expansions()
    files = {f"{package}/{path}": text for path, text in models.files.items()}
    files.update(render_package(plan, spec, models.classes, expansions))
    notes += [f"{path} is not used: {why}" for path, why in expansions.unused()]
    progress.step(f"formatting {len(files)} files")
    return GeneratedTree(
        package=package,
        files=format_tree({path: files[path] for path in sorted(files)}),
        resources=len(resources),
        cacheable=sum(resource.cacheable for resource in resources),
        notes=tuple(notes),
    )


def _reused(spec: Spec, resources: Sequence[ApiResource]) -> dict[str, ClassRef]:
    """The classes of ``kinform-k8s`` that stand for schemas of the specification: those that every release has."""
    from kinform_codegen.models import classes_of  # noqa: PLC0415

    needed = referenced(resources, spec.document)
    releases = [classes_of(document, KUBERNETES_PACKAGE) for document in bundled_documents()]
    return {
        name: ref
        for name, ref in (releases[0].items() if releases else ())
        if name in needed and all(release.get(name) == ref for release in releases)
    }


def _unversioned(source: str, facts_from: KubernetesVersion | None) -> str:
    facts = f", and zero values are those of {facts_from}" if facts_from else ""
    return (
        f"{source} does not say which Kubernetes it describes: the package's version is 0.0.0{facts}"
        " (a file name such as swagger-v1.30.json would tell)"
    )
