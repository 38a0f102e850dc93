// Command gotypes tells which fields of the Kubernetes API Go holds by value, and which behind a pointer.
//
// OpenAPI cannot tell Go's string from *string: both are an optional string. The Go types can. The program walks, by
// reflection, every type of the schemes that an API server serves, and prints one JSON object:
//
//	{"io.k8s.api.core.v1.PodSpec": {"containers": "list", "nodeName": "value", "priority": "pointer", …}, …}
//
// It is keyed by the name of the OpenAPI v3 schema, then by the name of the JSON field. A field is "value", "pointer",
// "list", "map" or "interface"; []byte is a value, since JSON has it as one string.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset/scheme"
)

// facts holds what is known of the fields of each schema.
type facts map[string]map[string]string

// modelNamed is what types have that say their schema's name themselves (Kubernetes 1.35 and later).
type modelNamed interface{ OpenAPIModelName() string }

func main() {
	found := facts{}
	visited := map[reflect.Type]bool{}
	for _, s := range []*runtime.Scheme{scheme.Scheme, apiextensions.Scheme, apiregistration.Scheme} {
		for _, t := range s.AllKnownTypes() {
			visit(t, found, visited)
		}
	}
	visit(reflect.TypeOf(version.Info{}), found, visited) // what GET /version answers is in no scheme

	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", " ") // map keys are sorted by the encoder
	if err := encoder.Encode(found); err != nil {
		fmt.Fprintln(os.Stderr, "gotypes:", err)
		os.Exit(1)
	}
}

// visit notes the fields of t, where it is (or holds) a struct of Kubernetes', and of every type within.
func visit(t reflect.Type, found facts, visited map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map || t.Kind() == reflect.Array {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || visited[t] || !strings.HasPrefix(t.PkgPath(), "k8s.io/") {
		return
	}
	visited[t] = true
	fields := map[string]string{}
	collect(t, fields, found, visited)
	if len(fields) == 0 {
		return
	}
	found[pathName(t)] = fields
	if named, ok := reflect.New(t).Interface().(modelNamed); ok {
		// A method that comes from an embedded type names that type.
		if model := named.OpenAPIModelName(); strings.HasSuffix(model, "."+t.Name()) {
			found[model] = fields
		}
	}
}

// collect adds the JSON fields of struct t to fields; those of embedded structs count as its own.
func collect(t reflect.Type, fields map[string]string, found facts, visited map[reflect.Type]bool) {
	for i := 0; i < t.NumField(); i++ {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-":
		case name != "":
			fields[name] = holding(field.Type)
			visit(field.Type, found, visited)
		case field.Anonymous:
			embedded := field.Type
			if embedded.Kind() == reflect.Pointer {
				embedded = embedded.Elem()
			}
			if embedded.Kind() == reflect.Struct {
				collect(embedded, fields, found, visited)
			}
		}
	}
}

// holding tells how Go holds a field of type t.
func holding(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return "pointer"
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return "value"
		}
		return "list"
	case reflect.Map:
		return "map"
	case reflect.Interface:
		return "interface"
	default:
		return "value"
	}
}

// pathName makes the name of t's schema from the path of its package, whose host is turned round:
// k8s.io/api/core/v1.Pod is io.k8s.api.core.v1.Pod.
func pathName(t reflect.Type) string {
	host, rest, _ := strings.Cut(t.PkgPath(), "/")
	labels := strings.Split(host, ".")
	for i, j := 0, len(labels)-1; i < j; i, j = i+1, j-1 {
		labels[i], labels[j] = labels[j], labels[i]
	}
	return strings.Join(labels, ".") + "." + strings.ReplaceAll(rest, "/", ".") + "." + t.Name()
}
