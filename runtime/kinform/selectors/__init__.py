"""Label and field selectors: parsed with the API server's own grammar, built in code, and matched on this side."""

from kinform.selectors.fields import FieldSelector, FieldTerm
from kinform.selectors.labels import (
    LabelSelector,
    LabelSelectorLike,
    Operator,
    Requirement,
    RequirementLike,
    SelectorModel,
)

__all__ = [
    "FieldSelector",
    "FieldTerm",
    "LabelSelector",
    "LabelSelectorLike",
    "Operator",
    "Requirement",
    "RequirementLike",
    "SelectorModel",
]
