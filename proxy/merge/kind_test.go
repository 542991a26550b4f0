package merge

import "testing"

func TestTheKindIsOnlyToldOfTypesThatAreKnownExactly(t *testing.T) {
	for _, tc := range []struct {
		method, contentType string
		want                Kind
	}{
		{"PUT", "application/json", Whole},
		{"PUT", `Application/JSON; charset="UTF-8"`, Whole},
		{"PATCH", "application/json;charset=utf-8", MergePatch},
		{"PATCH", "application/merge-patch+json", MergePatch},
		{"PATCH", "application/json-patch+json; charset=utf-8", JSONPatch},
		{"PUT", "application/merge-patch+json", 0},
		{"PUT", "application/json-patch+json", 0},
		{"PUT", "application/vnd.api+json", 0},
		{"PUT", "application/json; charset=utf-16", 0},
		{"PUT", "application/json; profile=x", 0},
		{"PUT", "application/json; charset=utf-8; charset=latin1", 0},
		{"PUT", "application/json, application/json", 0},
		{"PUT", "text/json", 0},
		{"PUT", "", 0},
		{"put", "application/json", 0},
		{"POST", "application/json", 0},
		{"DELETE", "application/json", 0},
	} {
		if got, ok := KindOf(tc.method, tc.contentType); got != tc.want || ok != (tc.want != 0) {
			t.Errorf("%s %s: %v, %t; want %v", tc.method, tc.contentType, got, ok, tc.want)
		}
	}
}
