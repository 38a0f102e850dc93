"""Samples of the kinds that extend the API server: custom resources, webhooks, policies, flow control."""

from __future__ import annotations

from typing import Any

from tests.real.package.programs.samples import UNICODE, Sample, metadata

from kinform_k8s.models.admissionregistration.v1 import (
    MatchCondition,
    MatchResources,
    MutatingWebhook,
    MutatingWebhookConfiguration,
    NamedRuleWithOperations,
    RuleWithOperations,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicySpec,
    ValidatingWebhook,
    ValidatingWebhookConfiguration,
    Validation,
    WebhookClientConfig,
)
from kinform_k8s.models.apiextensions.v1 import (
    CustomResourceColumnDefinition,
    CustomResourceDefinition,
    CustomResourceDefinitionNames,
    CustomResourceDefinitionSpec,
    CustomResourceDefinitionVersion,
    CustomResourceSubresources,
    CustomResourceSubresourceScale,
    CustomResourceSubresourceStatus,
    CustomResourceValidation,
    JSONSchemaProps,
    ValidationRule,
)
from kinform_k8s.models.flowcontrol.v1 import (
    FlowSchema,
    FlowSchemaSpec,
    LimitedPriorityLevelConfiguration,
    LimitResponse,
    PriorityLevelConfiguration,
    PriorityLevelConfigurationReference,
    PriorityLevelConfigurationSpec,
)
from kinform_k8s.models.meta.v1 import LabelSelector

__all__ = ["extension_samples"]


def extension_samples(namespace: str) -> list[Sample[Any]]:
    """One of each kind; none of them applies to what the other samples are."""
    return [
        Sample(_definition(namespace), _add_column),
        Sample(
            ValidatingWebhookConfiguration(
                metadata=metadata(f"{namespace}-validating"),
                webhooks=[
                    ValidatingWebhook(
                        name="check.example.com",
                        admission_review_versions=["v1"],
                        side_effects="None",
                        failure_policy="Ignore",
                        client_config=WebhookClientConfig(url="https://127.0.0.1:1/check"),
                        rules=[_rule()],
                        match_conditions=[MatchCondition(name="never", expression="1 > 2 && 'ä' != \"<\"")],
                        namespace_selector=LabelSelector(match_labels={"never": "matches"}),
                    )
                ],
            ),
            lambda found: setattr(found.webhooks[0], "timeout_seconds", 1),
        ),
        Sample(
            MutatingWebhookConfiguration(
                metadata=metadata(f"{namespace}-mutating"),
                webhooks=[
                    MutatingWebhook(
                        name="change.example.com",
                        admission_review_versions=["v1", "v1beta1"],
                        side_effects="NoneOnDryRun",
                        failure_policy="Ignore",
                        client_config=WebhookClientConfig(url="https://127.0.0.1:1/change"),
                        rules=[_rule()],
                    )
                ],
            ),
            lambda found: found.webhooks.clear(),
        ),
        Sample(
            ValidatingAdmissionPolicy(
                metadata=metadata(f"{namespace}-policy"),
                spec=ValidatingAdmissionPolicySpec(
                    failure_policy="Ignore",
                    match_constraints=MatchResources(
                        resource_rules=[
                            NamedRuleWithOperations(
                                api_groups=["example.com"],
                                api_versions=["*"],
                                operations=["CREATE"],
                                resources=["widgets"],
                                resource_names=["one"],
                            )
                        ]
                    ),
                    validations=[Validation(expression="object.spec.replicas <= 5", message="no more than five")],
                ),
            ),
            lambda policy: setattr(policy.spec.validations[0], "message", "five at most"),
        ),
        Sample(
            PriorityLevelConfiguration(
                metadata=metadata(f"{namespace}-level"),
                spec=PriorityLevelConfigurationSpec(
                    type="Limited",
                    limited=LimitedPriorityLevelConfiguration(
                        nominal_concurrency_shares=0, limit_response=LimitResponse(type="Reject")
                    ),
                ),
            ),
        ),
        Sample(
            FlowSchema(
                metadata=metadata(f"{namespace}-schema"),
                spec=FlowSchemaSpec(
                    matching_precedence=9999,
                    priority_level_configuration=PriorityLevelConfigurationReference(name="catch-all"),
                ),
            ),
            lambda schema: setattr(schema.spec, "matching_precedence", 9998),
        ),
    ]


def _rule() -> RuleWithOperations:
    return RuleWithOperations(
        api_groups=["example.com"], api_versions=["v1"], operations=["CREATE", "UPDATE"], resources=["widgets"]
    )


def _definition(namespace: str) -> CustomResourceDefinition:
    group = f"{namespace}.example.com"
    child = JSONSchemaProps(
        type="object",
        required=["size"],
        properties={
            "size": JSONSchemaProps(type="number", minimum=0, maximum=1.5, multiple_of=0.25, default=0.5),
            "port": JSONSchemaProps(
                x_kubernetes_int_or_string=True,
                any_of=[JSONSchemaProps(type="integer"), JSONSchemaProps(type="string")],
            ),
            "color": JSONSchemaProps(type="string", enum=["red", "grün"], default="red"),
            "names": JSONSchemaProps(
                type="array",
                items=JSONSchemaProps(type="string", max_length=63, pattern="^[a-z<>&]*$"),
                x_kubernetes_list_type="set",
            ),
            "flags": JSONSchemaProps(type="object", additional_properties=JSONSchemaProps(type="boolean")),
            "free": JSONSchemaProps(
                type="object", x_kubernetes_preserve_unknown_fields=True, example={"a": [1, None, UNICODE]}
            ),
        },
    )
    spec = JSONSchemaProps(
        type="object",
        description=UNICODE,
        properties={"child": child, "children": JSONSchemaProps(type="array", items=child)},
        x_kubernetes_validations=[ValidationRule(rule="has(self.child) || has(self.children)", message="one of them")],
    )
    version = CustomResourceDefinitionVersion(
        name="v1",
        served=True,
        storage=True,
        schema_=CustomResourceValidation(
            open_api_v3_schema=JSONSchemaProps(
                type="object",
                properties={
                    "spec": spec,
                    "status": JSONSchemaProps(type="object", x_kubernetes_preserve_unknown_fields=True),
                },
            )
        ),
        subresources=CustomResourceSubresources(
            status=CustomResourceSubresourceStatus(),
            scale=CustomResourceSubresourceScale(
                spec_replicas_path=".spec.replicas", status_replicas_path=".status.replicas"
            ),
        ),
    )
    return CustomResourceDefinition(
        metadata=metadata(f"widgets.{group}"),
        spec=CustomResourceDefinitionSpec(
            group=group,
            scope="Namespaced",
            names=CustomResourceDefinitionNames(plural="widgets", singular="widget", kind="Widget"),
            versions=[version],
        ),
    )


def _add_column(definition: CustomResourceDefinition) -> None:
    definition.spec.versions[0].additional_printer_columns.append(
        CustomResourceColumnDefinition(name="Size", type="number", json_path=".spec.child.size", priority=0)
    )
