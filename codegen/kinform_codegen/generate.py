"""The whole way from a specification to the files of the package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kinform_codegen.emit.package import header, render_package
from kinform_codegen.formatting import format_tree
from kinform_codegen.plan import make_plan
from kinform_codegen.spec.resources import find_resources
from kinform_codegen.spec.values import add_value_facts

if TYPE_CHECKING:
    from kinform_codegen.progress import Progress
    from kinform_codegen.spec.load import Spec

__all__ = ["PACKAGE", "GeneratedTree", "generate"]

PACKAGE = "kinform_k8s"


@dataclass(frozen=True, slots=True)
class GeneratedTree:
    """What was generated.

    Attributes:
        files: Content by path in the output folder, sorted.
        resources: How many resources have a client.
        cacheable: How many of them have a lister and an informer, too.
        notes: What the user should know: resources left out, facts that were missing.
    """

    files: dict[str, bytes]
    resources: int
    cacheable: int
    notes: tuple[str, ...]


def generate(spec: Spec, progress: Progress, *, package: str = PACKAGE) -> GeneratedTree:
    """Generates the package. The same specification gives the same bytes.

    Raises:
        SpecError: The specification cannot be used.
        OutputError: The generated code could not be formatted.
    """
    progress.step("finding resources")
    resources, untyped = find_resources(spec)
    notes = [f"{path} is left out: it has no typed objects" for path in untyped]
    facts_from = add_value_facts(spec.document, spec.version)
    if spec.version is None:
        facts = f", and zero values are those of {facts_from}" if facts_from else ""
        notes.append(
            f"{spec.source} does not say which Kubernetes it describes: the package's version is 0.0.0{facts}"
            " (a file name such as swagger-v1.30.json would tell)"
        )
    plan = make_plan(spec, resources, package=package)
    progress.step(f"generating models for {len(resources)} resources")
    # Brings datamodel-code-generator along: half a second that an early error should not cost.
    from kinform_codegen.models import generate_models  # noqa: PLC0415

    models = generate_models(spec.document, package=package, header=header(plan))
    progress.step("generating clients, listers and informers")
    files = {f"{package}/{path}": text for path, text in models.files.items()}
    files.update(render_package(plan, spec, models.classes))
    progress.step(f"formatting {len(files)} files")
    return GeneratedTree(
        files=format_tree({path: files[path] for path in sorted(files)}),
        resources=len(resources),
        cacheable=sum(resource.cacheable for resource in resources),
        notes=tuple(notes),
    )
