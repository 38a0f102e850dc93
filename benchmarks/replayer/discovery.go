package main

import (
	"encoding/json"
	"strings"
)

// discovery says what there is, to clients that ask before they list: the server's version, and the one resource in
// aggregated form (APIGroupDiscoveryList). Nil for any other path.
func (s *server) discovery(path string) ([]byte, error) {
	group, version, _ := strings.Cut(s.kind.APIVersion, "/")
	if version == "" {
		group, version = "", group
	}
	switch path {
	case "/version":
		return json.Marshal(map[string]string{"major": "1", "minor": "37", "gitVersion": "v1.37.2"})
	case "/api", "/apis":
		groups := []any{}
		if (group == "") == (path == "/api") {
			groups = append(groups, map[string]any{
				"metadata": map[string]any{"name": group},
				"versions": []any{map[string]any{"version": version, "resources": []any{map[string]any{
					"resource": s.kind.Path[strings.LastIndex(s.kind.Path, "/")+1:], "scope": "Namespaced",
					"responseKind": map[string]any{"group": group, "version": version, "kind": s.kind.Kind},
					"verbs":        []string{"get", "list", "watch"},
				}}}},
			})
		}
		return json.Marshal(map[string]any{
			"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": map[string]any{}, "items": groups,
		})
	default:
		return nil, nil
	}
}
