"""Events and conditions that are none."""

from __future__ import annotations

from kinform import EventRecorder, connect, has_finalizer, set_condition
from kinform_k8s.models.core.v1 import Pod, PodCondition
from kinform_k8s.models.meta.v1 import Condition

pod = Pod()
recorder = EventRecorder(connect, "rollup", api="events.k8s.io/v1beta1")  # must-fail
recorder.event(pod, "Error", "Failed", "there is no such type")  # must-fail
recorder.event(pod.metadata, "Normal", "Seen", "metadata is no object")  # must-fail
recorder.event(pod, "Normal", "Seen")  # must-fail
set_condition(pod.status.conditions, Condition(type="Ready"))  # must-fail
set_condition(pod.status.conditions, PodCondition(type="Ready"), status="True")  # must-fail
has_finalizer(pod.metadata, "example.com/volume")  # must-fail
