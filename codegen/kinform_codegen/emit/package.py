"""Renders a plan: every file of the generated distribution save the models, as path and text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from kinform_codegen.emit.environment import template
from kinform_codegen.emit.imports import LocalNames
from kinform_codegen.errors import SpecError
from kinform_codegen.marks import GENERATED_BY
from kinform_codegen.spec.shared import is_builtin

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kinform_codegen.expansions import Expansions
    from kinform_codegen.plan import GroupPlan, GroupVersionPlan, PackagePlan, ResourcePlan, SubresourcePlan
    from kinform_codegen.settings import ModelKind
    from kinform_codegen.spec.load import Spec

__all__ = ["ModelClass", "header", "render_package"]

# The three distributions are released together; a test keeps these in step with runtime/pyproject.toml.
_RUNTIME_REQUIREMENT = "kinform>=0.1,<0.2"
_MODEL_REQUIREMENTS: Final[Mapping[ModelKind, str]] = {"pydantic": "pydantic>=2.12", "msgspec": "msgspec>=0.19"}
# The first release that has all classes which a package of custom resources may take from there.
_KUBERNETES_REQUIREMENT = "kinform-k8s>=1.30"

_CLIENT = "kinform.client"
_LISTER = "kinform.lister"
_FACTORY = "kinform.factory"
_MIXINS = {
    "create": "Creatable",
    "get": "Gettable",
    "list": "Listable",
    "watch": "Watchable",
    "update": "Updatable",
    "patch": "Patchable",
    "delete": "Deletable",
    "deletecollection": "CollectionDeletable",
}
_WRITE_OPTIONS = ", dry_run: bool = False, field_manager: str | None = None"
_STATUS_MIXINS = {"get": "StatusReadable", "update": "StatusUpdatable", "patch": "StatusPatchable"}


class ModelClass(Protocol):
    """Where a schema's model is."""

    @property
    def module(self) -> str:
        """The module's full name: ``kinform_k8s.models.core.v1``."""
        ...

    @property
    def name(self) -> str:
        """The class: ``Pod``."""
        ...


def header(plan: PackagePlan) -> str:
    """What the first line of every generated file says."""
    return f"{GENERATED_BY} from the OpenAPI of {plan.origin}. Do not edit: changes are lost."


def render_package(
    plan: PackagePlan, spec: Spec, models: Mapping[str, ModelClass], expansions: Expansions
) -> dict[str, str]:
    """Every file but the models, by path in the output folder.

    Args:
        plan: All names.
        spec: Where descriptions and places for complaints come from.
        models: The model of each schema.
        expansions: The hand-written classes that generated ones are to derive from.

    Raises:
        SpecError: A resource's schema has no model.
    """
    renderer = _Renderer(plan, spec, models, expansions)
    files = dict(renderer.files())
    return {path: files[path] for path in sorted(files)}


class _SubresourceText(NamedTuple):
    """What a subresource's method is made of."""

    plan: SubresourcePlan
    signature: str
    response: str
    about: str
    import_line: str
    call: str


@dataclass(frozen=True)
class _Renderer:
    plan: PackagePlan
    spec: Spec
    models: Mapping[str, ModelClass]
    expansions: Expansions

    def files(self) -> Iterator[tuple[str, str]]:
        package = self.plan.package
        yield (
            "pyproject.toml",
            self._render(
                "distribution/pyproject.toml",
                requirements=[
                    _RUNTIME_REQUIREMENT,
                    *([_KUBERNETES_REQUIREMENT] if self.plan.reuses_kubernetes else []),
                    _MODEL_REQUIREMENTS[self.plan.models],
                ],
            ),
        )
        cacheable = sum(resource.api.cacheable for resource in self.plan.resources)
        yield "README.md", self._render("distribution/README.md", cacheable_count=cacheable)
        if self.plan.is_released:
            yield "LICENSE", self._render("distribution/LICENSE")
        yield f"{package}/py.typed", ""
        yield f"{package}/__init__.py", self._render("package/__init__.py")
        yield f"{package}/_version.py", self._render("package/_version.py")
        yield f"{package}/testing.py", self._testing()
        for folder, what in (
            ("resources", "Resources: names and scope of what the API serves."),
            ("clients", "Typed clients."),
            ("listers", "Typed listers: reads of an informer's cache."),
            ("informers", "Typed informers."),
        ):
            yield f"{package}/{folder}/__init__.py", self._render("package/folder.py", about=what)
        yield f"{package}/clients/clientset.py", self._render("clients/clientset.py")
        groups = [group for group in self.plan.groups if group.cacheable_versions]
        yield f"{package}/informers/factory.py", self._render("informers/factory.py", groups=groups)
        for group in self.plan.groups:
            yield from self._group(group)
            for version in group.versions:
                yield from self._group_version(version)

    def _testing(self) -> str:
        names = LocalNames(self.plan.package, "FakeClientset")
        # Of Kubernetes' own resources the runtime knows which have a status.
        without_status = [
            self._constant(names, gv, resource)
            for gv in self.plan.group_versions
            for resource in gv.resources
            if not is_builtin(resource.api.schema) and not _has_status(resource)
        ]
        typed = ""
        if without_status:  # type checkers do not take the base's type of the attribute for this one's
            resource = names.use("kinform.meta", "Resource", typing_only=True)
            typed = f"{names.use('typing', 'ClassVar')}[tuple[{resource}, ...]]"
        return self._render(
            "package/testing.py",
            base=names.use("kinform.testing.fake_clientset", "FakeClientsetBase"),
            clientset=names.use(f"{self.plan.package}.clients.clientset", "Clientset"),
            without_status=without_status,
            typed=typed,
            type_checking=names.use("typing", "TYPE_CHECKING") if without_status else "",
            names=names,
        )

    def _group(self, group: GroupPlan) -> Iterator[tuple[str, str]]:
        package = self.plan.package
        name = group.group or "the core group"
        yield (
            f"{package}/resources/{group.folder}/__init__.py",
            self._render("package/folder.py", about=f"Resources of {name}."),
        )
        yield (
            f"{package}/clients/{group.folder}/__init__.py",
            self._render("package/folder.py", about=f"Clients for {name}."),
        )
        if group.cacheable_versions:
            yield (
                f"{package}/listers/{group.folder}/__init__.py",
                self._render("package/folder.py", about=f"Listers for {name}."),
            )
            yield f"{package}/informers/{group.folder}/__init__.py", self._render("informers/group.py", group=group)

    def _group_version(self, gv: GroupVersionPlan) -> Iterator[tuple[str, str]]:
        package = self.plan.package
        yield f"{package}/resources/{gv.folder}.py", self._render("resources/version.py", gv=gv)
        yield (
            f"{package}/clients/{gv.folder}/__init__.py",
            self._render("clients/group_version.py", gv=gv, resources=_by_module(gv.resources)),
        )
        for resource in gv.resources:
            yield f"{package}/clients/{gv.folder}/{resource.module}.py", self._client(gv, resource)
        if not gv.cacheable:
            return
        yield (
            f"{package}/listers/{gv.folder}/__init__.py",
            self._render("package/folder.py", about=f"Listers for {gv.api_version}."),
        )
        yield (
            f"{package}/informers/{gv.folder}/__init__.py",
            self._render("informers/group_version.py", gv=gv, resources=_by_module(gv.cacheable)),
        )
        for resource in gv.cacheable:
            yield f"{package}/listers/{gv.folder}/{resource.module}.py", self._lister(gv, resource)
            yield f"{package}/informers/{gv.folder}/{resource.module}.py", self._informer(gv, resource)

    def _client(self, gv: GroupVersionPlan, resource: ResourcePlan) -> str:
        names = LocalNames(self.plan.package, resource.client_class, "TYPE_CHECKING")
        kind = self._model(resource)
        model = names.use(kind.module, kind.name)
        mixins = [mixin for verb, mixin in _MIXINS.items() if verb in resource.api.verbs]
        if not resource.api.kept:
            mixins = ["Sendable"]
        status = {each.verb for each in resource.api.subresources if each.name == "status"}
        mixins += [mixin for verb, mixin in _STATUS_MIXINS.items() if verb in status]
        return self._render(
            "clients/resource.py",
            gv=gv,
            r=resource,
            model=model,
            constant=self._constant(names, gv, resource),
            bases=[names.use(_CLIENT, mixin) for mixin in mixins or ["ResourceClient"]],
            transport=names.use("kinform.transport", "Transport", typing_only=True),
            subresources=[self._subresource(names, resource, each) for each in resource.subresources],
            description=self._description(resource),
            names=names,
        )

    def _subresource(self, names: LocalNames, resource: ResourcePlan, plan: SubresourcePlan) -> _SubresourceText:
        """One method. It imports models of other modules itself: asking for pods must not bring policy/v1 along."""
        home = self._model(resource).module
        options = ", dry_run=dry_run, field_manager=field_manager"
        if not plan.api.answered:
            model = self._schema_model(resource, plan.api.body or plan.api.response)
            body = names.use(model.module, model.name, typing_only=True)
            return _SubresourceText(
                plan=plan,
                signature=f", {plan.body_parameter}: {body}, *{_WRITE_OPTIONS}",
                response="None",
                about=f"Posts to an object's ``{plan.api.name}``; the server answers with a mere success.",
                import_line="",
                call=f'_send_to_subresource(name, "{plan.api.name}", {plan.body_parameter}{options})',
            )
        response = self._schema_model(resource, plan.api.response)
        local = names.use(response.module, response.name, typing_only=response.module != home)
        body = ""
        if plan.api.body is not None:
            model = self._schema_model(resource, plan.api.body)
            body = names.use(model.module, model.name, typing_only=True)
        match plan.api.verb:
            case "get":
                signature, call = "", f'_get_subresource(name, "{plan.api.name}", {local})'
            case "update":
                signature = f", {plan.body_parameter}: {body}, *{_WRITE_OPTIONS}"
                call = f'_update_subresource(name, "{plan.api.name}", {plan.body_parameter}{options})'
            case "create":
                signature = f", {plan.body_parameter}: {body}, *{_WRITE_OPTIONS}"
                call = f'_create_subresource(name, "{plan.api.name}", {plan.body_parameter}, {local}{options})'
            case _:
                patch_type = names.use(_CLIENT, "PatchType")
                signature = f", patch: {names.use(_CLIENT, 'PatchBody', typing_only=True)}, *, type: {patch_type} ="
                signature += f" {patch_type}.MERGE{_WRITE_OPTIONS}, force: bool = False"
                call = f'_patch_subresource(name, "{plan.api.name}", patch, {local}, type=type{options}, force=force)'
        needs_import = plan.api.verb != "update" and not names.is_imported(response.module, response.name)
        return _SubresourceText(
            plan=plan,
            signature=signature,
            response=local,
            about=f"{_DOING[plan.api.verb]} an object's ``{plan.api.name}``.",
            import_line=names.import_line(response.module, response.name) if needs_import else "",
            call=call,
        )

    def _lister(self, gv: GroupVersionPlan, resource: ResourcePlan) -> str:
        names = LocalNames(self.plan.package, resource.lister_class, resource.namespace_lister_class)
        module = f"listers.{gv.module}.{resource.module}"
        namespaced = resource.api.namespaced
        base = (_LISTER, "NamespacedLister" if namespaced else "ClusterLister")
        one = (_LISTER, "NamespaceLister")
        return self._render(
            "listers/resource.py",
            gv=gv,
            r=resource,
            bases=self._bases(names, module, resource, resource.lister_class, base),
            namespace_bases=self._bases(names, module, resource, resource.namespace_lister_class, one)
            if namespaced
            else "",
            names=names,
        )

    def _informer(self, gv: GroupVersionPlan, resource: ResourcePlan) -> str:
        names = LocalNames(self.plan.package, resource.informer_class, "TYPE_CHECKING")
        module = f"informers.{gv.module}.{resource.module}"
        kind = self._model(resource)
        base = (_FACTORY, "ResourceInformer")
        return self._render(
            "informers/resource.py",
            gv=gv,
            r=resource,
            model=names.use(kind.module, kind.name),
            bases=self._bases(names, module, resource, resource.informer_class, base),
            lister=names.use(f"{self.plan.package}.listers.{gv.module}.{resource.module}", resource.lister_class),
            constant=self._constant(names, gv, resource),
            factory=names.use(_FACTORY, "InformerFactory", typing_only=True),
            options=names.use(_FACTORY, "InformerOptions", typing_only=True),
            unpack=names.use("typing", "Unpack", typing_only=True),
            names=names,
        )

    def _bases(self, names: LocalNames, module: str, resource: ResourcePlan, cls: str, base: tuple[str, str]) -> str:
        """The source of a class's bases: its expansion, if somebody has written one, before what it always has.

        Args:
            names: The names of the class's module.
            module: That module, under the package.
            resource: What the class is for.
            cls: The class.
            base: The module and name of the runtime's base class.
        """
        model = self._model(resource)
        own = f"{names.use(*base)}[{names.use(model.module, model.name)}]"
        expansion = self.expansions.take(module, cls)
        return f"{names.use(f'{self.plan.package}.{module}_expansion', expansion)}, {own}" if expansion else own

    def _constant(self, names: LocalNames, gv: GroupVersionPlan, resource: ResourcePlan) -> str:
        return names.use(f"{self.plan.package}.resources.{gv.module}", resource.constant)

    def _model(self, resource: ResourcePlan) -> ModelClass:
        return self._schema_model(resource, resource.api.schema)

    def _schema_model(self, resource: ResourcePlan, schema: str) -> ModelClass:
        model = self.models.get(schema)
        if model is None:
            raise SpecError(
                self.spec.source,
                f"{resource.api.path} uses the schema {schema!r}, which is no object with properties",
                mend="give the schema its properties, or take the path out of the specification",
                at=("components", "schemas", schema),
            )
        return model

    def _description(self, resource: ResourcePlan) -> str:
        node = self.spec.root.at("components", "schemas", resource.api.schema, "description")
        return node.value if node is not None and isinstance(node.value, str) else ""

    def _render(self, name: str, **context: object) -> str:
        return template(name).render(plan=self.plan, header=header(self.plan), **context)


_DOING = {"get": "Reads", "update": "Replaces", "patch": "Patches", "create": "Posts to"}


def _has_status(resource: ResourcePlan) -> bool:
    return any(each.name == "status" for each in resource.api.subresources)


def _by_module(resources: tuple[ResourcePlan, ...]) -> list[ResourcePlan]:
    """Sorted as their import lines are."""
    return sorted(resources, key=lambda resource: resource.module)
