package corpus

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Lists whose items the API server tells apart by these fields; a list that is not here has one owner as a whole.
var listKeys = map[string][]string{
	"conditions":      {"type"},
	"containers":      {"name"},
	"env":             {"name"},
	"initContainers":  {"name"},
	"ownerReferences": {"uid"},
	"podIPs":          {"ip"},
	"hostIPs":         {"ip"},
	"ports":           {"containerPort", "protocol"},
	"volumeMounts":    {"mountPath"},
	"volumes":         {"name"},
}

// managed is the managedFields entry of a manager that set these parts of an object, as the API server tracks it.
func managed(manager, apiVersion, subresource string, when metav1.Time, owned map[string]any) metav1.ManagedFieldsEntry {
	tree := map[string]any{}
	for name, value := range owned {
		below := map[string]any{}
		for field, each := range value.(map[string]any) {
			below["f:"+field] = fieldsOf(field, each)
		}
		tree["f:"+name] = below
	}
	raw, err := json.Marshal(tree)
	if err != nil {
		panic(err) // maps of strings
	}
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: apiVersion, Time: &when,
		FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(string(raw)), Subresource: subresource,
	}
}

// fieldsOf is the tree of one field: empty for what has one owner as a whole.
func fieldsOf(name string, value any) map[string]any {
	tree := map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		if name == "resources" || name == "selector" || len(value) == 0 {
			// Quantities are maps of owners; the parent of them is not.
			for field, each := range value {
				tree["f:"+field] = fieldsOf("", each)
			}
			return tree
		}
		tree["."] = map[string]any{}
		for field, each := range value {
			tree["f:"+field] = fieldsOf(field, each)
		}
	case []any:
		keys, keyed := listKeys[name]
		if !keyed {
			return tree
		}
		if name != "containers" && name != "initContainers" {
			tree["."] = map[string]any{}
		}
		for _, item := range value {
			item := item.(map[string]any)
			below := map[string]any{}
			if name != "ownerReferences" { // each of which is set as a whole
				below["."] = map[string]any{}
				for field, each := range item {
					below["f:"+field] = fieldsOf(field, each)
				}
			}
			tree["k:{"+keyOf(item, keys)+"}"] = below
		}
	}
	return tree
}

func keyOf(item map[string]any, keys []string) string {
	parts := make([]string, 0, len(keys))
	for _, key := range keys {
		raw, err := json.Marshal(item[key])
		if err != nil {
			panic(err)
		}
		parts = append(parts, fmt.Sprintf("%q:%s", key, raw))
	}
	return strings.Join(parts, ",")
}

// generic is a value as maps and lists.
func generic(value any) map[string]any {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	made := map[string]any{}
	if err := json.Unmarshal(raw, &made); err != nil {
		panic(err)
	}
	return made
}
