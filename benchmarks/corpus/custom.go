package corpus

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// custom is a Release, a custom resource as operators have them: the API server writes its keys sorted.
func (w *workload) custom(seed uint64, number int) map[string]any {
	d := newDice(seed, uint64(number))
	created, changed := metav1.NewTime(d.ago(60*24*time.Hour)), metav1.NewTime(d.ago(20*24*time.Hour))
	values := map[string]any{"replicas": int64(d.between(1, 40))}
	for _, name := range d.some(environmentNames, d.between(12, 24)) {
		values[name] = map[string]any{"value": d.value(w.name), "sensitive": d.IntN(5) == 0}
	}
	spec := map[string]any{
		"chart":    map[string]any{"name": w.name, "repository": "oci://" + d.of(registries) + "/charts", "version": d.version()},
		"interval": fmt.Sprintf("%dm", d.between(1, 30)), "template": generic(w.template.Spec), "values": values,
		"suspend": false,
	}
	conditions := []any{}
	for _, kind := range []string{"Ready", "Released", "Reconciling"} {
		conditions = append(conditions, map[string]any{
			"type": kind, "status": d.of([]string{"True", "False"}), "reason": d.of([]string{"Succeeded", "Progressing"}),
			"lastTransitionTime": changed.UTC().Format(time.RFC3339), "observedGeneration": int64(d.between(1, 60)),
			"message": fmt.Sprintf("Release %s/%s.v%d, chart %s@%s", w.namespace, w.name, number, w.name, d.version()),
		})
	}
	status := map[string]any{
		"conditions": conditions, "lastAppliedRevision": d.version(), "lastAttemptedDigest": "sha256:" + d.hex(64),
		"observedGeneration": int64(d.between(1, 60)),
	}
	labels := map[string]any{}
	for name, value := range w.template.Labels {
		if name != "pod-template-hash" {
			labels[name] = value
		}
	}
	annotations := map[string]any{StampAnnotation: stampMark}
	for name, value := range w.template.Annotations {
		annotations[name] = value
	}
	given := map[string]any{"labels": labels, "annotations": annotations}
	entries := []metav1.ManagedFieldsEntry{
		managed("release-controller", CustomVersion, "", created, map[string]any{"metadata": given, "spec": spec}),
		managed("release-controller", CustomVersion, "status", changed, map[string]any{"status": status}),
	}
	managedFields := make([]any, len(entries))
	for i, entry := range entries {
		managedFields[i] = generic(entry)
	}
	return map[string]any{
		"apiVersion": CustomVersion, "kind": "Release", "spec": spec, "status": status,
		"metadata": map[string]any{
			"name": fmt.Sprintf("%s-%s", w.name, unique(number)), "namespace": w.namespace, "uid": d.uid(), "generation": int64(3),
			"resourceVersion": versionMark, "creationTimestamp": created.UTC().Format(time.RFC3339), "labels": labels,
			"annotations": annotations, "managedFields": managedFields,
		},
	}
}
