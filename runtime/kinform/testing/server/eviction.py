"""The ``eviction`` subresource of pods: a deletion that asks the disruption budgets first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from kinform.selectors import LabelSelector
from kinform.testing.server import lifecycle, refusals
from kinform.testing.server.address import Answer
from kinform.testing.server.documents import child, decode, encode, metadata_of
from kinform.testing.server.options import check_dry_run
from kinform.testing.server.scale import selector_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kinform.clock import Clock
    from kinform.testing.server.address import Address
    from kinform.testing.server.documents import JsonObject
    from kinform.testing.server.storage import Storage, StoredObject
    from kinform.testing.server.verbs import Verbs

__all__ = ["Evictions"]

_BUDGETS: Final = ("policy", "poddisruptionbudgets")
_UNGUARDED: Final = frozenset({"Pending", "Succeeded", "Failed"})
_RETRY_AFTER: Final = 10
_DONE: Final[JsonObject] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


class Evictions:
    """Evicts pods. Thread-safe.

    Nobody counts how many pods are healthy: a budget allows as many disruptions as its status says, and one less after
    each.

    Args:
        storage: Where budgets are.
        verbs: Who deletes.
        clock: What timestamps are taken from.
    """

    def __init__(self, storage: Storage, verbs: Verbs, clock: Clock) -> None:
        self._storage = storage
        self._verbs = verbs
        self._clock = clock

    def evict(self, at: Address, parameters: Mapping[str, str], body: bytes) -> Answer:
        """Deletes the pod if its budget allows that.

        Raises:
            Refusal: It does not (429), or the pod cannot be deleted, as by ``Verbs.delete``.
        """
        options = self._options(at, body)
        if check_dry_run(parameters.get("dryRun", ""), "CreateOptions"):
            options["dryRun"] = ["All"]
        whole = at._replace(subresource="")
        with self._storage.lock:
            pod = self._verbs.existing(whole)
            budget = None if _is_unguarded(pod) else self._budget_of(pod)
            if budget is not None and _is_spare(budget.tree(), pod):
                budget = None
            if budget is not None:
                _check(budget.tree())
            self._verbs.delete(whole, {}, encode(options))
            if budget is not None and "dryRun" not in options:
                self._use(budget, pod)
        return Answer(201, encode(_DONE))

    @staticmethod
    def _options(at: Address, body: bytes) -> JsonObject:
        try:
            eviction = decode(body)
        except ValueError as error:
            raise refusals.bad_request(f"the object provided is unrecognized: json parse error: {error}") from error
        tree = eviction if isinstance(eviction, dict) else {}
        if lifecycle.text_of(tree, "kind") not in {"", "Eviction"}:
            raise refusals.bad_request(f"not an Eviction object: {tree['kind']}")
        name = lifecycle.text_of(child(tree, "metadata"), "name")
        if name and name != at.name:
            raise refusals.bad_request("name in URL does not match name in Eviction object")
        return {**child(tree, "deleteOptions")}

    def _budget_of(self, pod: StoredObject) -> StoredObject | None:
        """The budget that guards a pod.

        Raises:
            Refusal: There are several (500).
        """
        budgets = self._storage.collection(_BUDGETS, sort=False).snapshot(pod.namespace)
        found = [budget for budget in budgets if _guards(budget.tree(), pod)]
        if len(found) > 1:
            raise refusals.internal_error(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            )
        return found[0] if found else None

    def _use(self, budget: StoredObject, pod: StoredObject) -> None:
        tree = budget.tree()
        status = cast("JsonObject", tree["status"])
        status["disruptionsAllowed"] = _allowed(tree) - 1
        now = lifecycle.timestamp(self._clock.wall())
        status["disruptedPods"] = {**child(status, "disruptedPods"), pod.name: now}
        self._storage.write(self._storage.collection(_BUDGETS, sort=False), tree)


def _is_unguarded(pod: StoredObject) -> bool:
    """Whether it disrupts nothing that this pod goes."""
    tree = pod.tree()
    going = bool(metadata_of(tree).get("deletionTimestamp"))
    return going or child(tree, "status").get("phase") in _UNGUARDED


def _guards(budget: JsonObject, pod: StoredObject) -> bool:
    spec = child(budget, "spec")
    if not isinstance(spec.get("selector"), dict):
        return False  # none selects none; an empty one all
    return LabelSelector.parse(selector_text(spec["selector"])).matches(pod.labels)


def _allowed(budget: JsonObject) -> int:
    return _count(child(budget, "status"), "disruptionsAllowed")


def _count(status: JsonObject, name: str) -> int:
    value = status.get(name)
    return value if isinstance(value, int) else 0


def _is_spare(budget: JsonObject, pod: StoredObject) -> bool:
    """Whether a budget lets a pod go because it is none of those that it counts: it is not ready."""
    conditions = child(pod.tree(), "status").get("conditions")
    for each in conditions if isinstance(conditions, list) else []:
        if isinstance(each, dict) and (each.get("type"), each.get("status")) == ("Ready", "True"):
            return False
    if child(budget, "spec").get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return True
    status = child(budget, "status")
    return _count(status, "currentHealthy") >= _count(status, "desiredHealthy") > 0


def _check(budget: JsonObject) -> None:
    """Sees that a budget allows one more disruption.

    Raises:
        Refusal: It does not (429).
    """
    name = lifecycle.text_of(metadata_of(budget), "name")
    status = child(budget, "status")
    observed, generation = status.get("observedGeneration"), metadata_of(budget).get("generation")
    if isinstance(generation, int) and (not isinstance(observed, int) or observed < generation):
        why = f"The disruption budget {name} is still being processed by the server."
        raise refusals.too_many_disruptions(why, retry_after=_RETRY_AFTER)
    if _allowed(budget) <= 0:
        wanted, present = _count(status, "desiredHealthy"), _count(status, "currentHealthy")
        why = f"The disruption budget {name} needs {wanted} healthy pods and has {present} currently"
        if present > wanted:
            why = f"The disruption budget {name} does not allow evicting pods currently"
        raise refusals.too_many_disruptions(why)
