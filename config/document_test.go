package config

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func unwrap(err error) error { return errors.Unwrap(err) }

func show(t *testing.T, c *Config) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// fieldPaths are the YAML paths of all fields of a type: names in snake case.
func fieldPaths(t reflect.Type, at string) (paths []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || !strings.HasSuffix(t.PkgPath(), "/config") ||
		t == reflect.TypeFor[Secret]() || t == reflect.TypeFor[Grace]() {
		return []string{at}
	}
	for f := range t.Fields() {
		switch {
		case f.Anonymous:
			paths = append(paths, fieldPaths(f.Type, at)...)
		case f.IsExported():
			path := join(at, snake(f.Name))
			if f.Name == "Routes" {
				path += "[0]"
			}
			paths = append(paths, fieldPaths(f.Type, path)...)
		}
	}
	return paths
}

var (
	words    = regexp.MustCompile(`([a-z])([A-Z])`)
	onewords = strings.NewReplacer("CAFile", "CaFile", "WebSocket", "Websocket", "CORS", "Cors", "TLS", "Tls")
)

func snake(name string) string {
	return strings.ToLower(words.ReplaceAllString(onewords.Replace(name), "${1}_$2"))
}

// withoutDefault are the fields that a file cannot say to have their default.
var withoutDefault = []string{
	"tls.cert_file", "tls.key_file", "tls.client_ca_file", "tls.min_version", "admin.web_config",
	"upstream_tls.ca_file", "upstream_tls.cert_file", "upstream_tls.key_file", "upstream_tls.server_name",
	"store.redis.tls.ca_file", "store.redis.tls.cert_file", "store.redis.tls.key_file", "store.redis.tls.server_name",
	"store.redis.tls.min_version", "store.redis.tls.insecure_skip_verify",
	"routes[0].when.query", "routes[0].version.pointer", "routes[0].version.header", "routes[0].version.read",
	"routes[0].history.keep", "routes[0].history.for", "routes[0].history.sets",
	"routes[0].expect", "routes[0].resource", "routes[0].body_template",
	"routes[0].unique.name", "routes[0].unique.fields", "routes[0].unique.fold", "routes[0].unique.ask", "routes[0].unique.list",
	"routes[0].unique.location", "routes[0].unique.on_duplicate",
	"routes[0].require.name", "routes[0].require.on", "routes[0].require.ask", "routes[0].require.that", "routes[0].require.message",
	"routes[0].require.message_expression",
	"routes[0].transitions.field", "routes[0].transitions.moves", "routes[0].transitions.initial",
}

func TestTheDefaultFileHasEveryField(t *testing.T) {
	c, _, err := Load("testdata/good/default.yaml", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	paths := fieldPaths(reflect.TypeFor[Config](), "")
	if len(paths) < 75 {
		t.Errorf("only %d fields: %v", len(paths), paths)
	}
	for _, path := range paths {
		if c.source.has(path) == slices.Contains(withoutDefault, path) {
			t.Errorf("testdata/good/default.yaml does not have %s, or should not", path)
		}
	}
}

func TestEveryExportedFieldIsDocumented(t *testing.T) {
	sources, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources {
		if !strings.HasSuffix(s.Name(), ".go") || strings.HasSuffix(s.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), s.Name(), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if typ, ok := n.(*ast.TypeSpec); ok && typ.Name.IsExported() {
				requireDocumentedFields(t, typ)
			}
			return true
		})
	}
}

func requireDocumentedFields(t *testing.T, typ *ast.TypeSpec) {
	s, ok := typ.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range s.Fields.List {
		if len(f.Names) > 0 && f.Names[0].IsExported() && f.Doc == nil && f.Comment == nil {
			t.Errorf("%s.%s has no comment", typ.Name, f.Names[0])
		}
	}
}
