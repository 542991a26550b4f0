package expression

import (
	"encoding/json"
	"strconv"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// values are the types that variables have and how Go's values become CEL's. A body is turned into CEL's values bit by bit, where an
// expression looks at it: one that reads a single member of a large body does not pay for the rest.
type values struct {
	*types.Registry          // what CEL itself has
	request, current, answer *kind
}

// kind is a type of variables: a closed set of fields, each of a type of its own.
type kind struct {
	typ    *types.Type
	fields map[string]*types.FieldType
}

// newValues knows CEL's own types and those of the variables.
func newValues() (*values, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	v := &values{Registry: registry}
	v.describe()
	return v, nil
}

// describe says what the variables consist of. The kinds have names that nobody can write in an expression: nobody makes a request of
// their own there.
func (v *values) describe() {
	text := types.NewMapType(types.StringType, types.StringType)
	lists := types.NewMapType(types.StringType, types.NewListType(types.StringType))

	v.request = newKind("a request", map[string]*types.FieldType{
		"method":  field(types.StringType, func(r *Request) ref.Val { return types.String(r.Method) }),
		"path":    field(types.StringType, func(r *Request) ref.Val { return types.String(r.Path) }),
		"params":  field(text, func(r *Request) ref.Val { return types.NewStringStringMap(v, r.Params) }),
		"query":   field(lists, func(r *Request) ref.Val { return types.NewMap(v, r.Query) }),
		"headers": field(text, func(r *Request) ref.Val { return types.NewStringStringMap(v, r.Headers) }),
		"body":    field(types.DynType, func(r *Request) ref.Val { return v.NativeToValue(r.Body) }),
	})
	v.current = newKind("a resource", map[string]*types.FieldType{
		"exists":  field(types.BoolType, func(c *Current) ref.Val { return types.Bool(c.Exists) }),
		"status":  field(types.IntType, func(c *Current) ref.Val { return types.Int(c.Status) }),
		"headers": field(text, func(c *Current) ref.Val { return types.NewStringStringMap(v, c.Headers) }),
		"body":    field(types.DynType, func(c *Current) ref.Val { return v.NativeToValue(c.Body) }),
		"etag":    field(types.StringType, func(c *Current) ref.Val { return types.String(c.ETag) }),
	})
	v.answer = newKind("an answer", map[string]*types.FieldType{
		"status":  field(types.IntType, func(a *Answer) ref.Val { return types.Int(a.Status) }),
		"headers": field(text, func(a *Answer) ref.Val { return types.NewStringStringMap(v, a.Headers) }),
		"body":    field(types.DynType, func(a *Answer) ref.Val { return v.NativeToValue(a.Body) }),
	})
}

func newKind(name string, fields map[string]*types.FieldType) *kind {
	return &kind{typ: types.NewObjectType(name, traits.IndexerType|traits.FieldTesterType), fields: fields}
}

// field describes a field of T. As far as has() is concerned it is there unless it is empty: "", null, or without a member. A number
// and a truth value are always there.
func field[T any](typ *types.Type, get func(*T) ref.Val) *types.FieldType {
	return &types.FieldType{
		Type: typ,
		IsSet: func(of any) bool {
			t, ok := of.(*T)
			return ok && !empty(get(t))
		},
		GetFrom: func(of any) (any, error) {
			t, ok := of.(*T)
			if !ok {
				return nil, errNoSuchOverload
			}
			return get(t), nil
		},
	}
}

// empty reports whether a field counts as absent.
func empty(v ref.Val) bool {
	switch v := v.(type) {
	case types.Null:
		return true
	case types.String:
		return v == ""
	case traits.Mapper:
		return v.Size() == types.IntZero
	}
	return false
}

// of finds a kind by the name of its type.
func (v *values) of(name string) *kind {
	for _, k := range []*kind{v.request, v.current, v.answer} {
		if k.typ.TypeName() == name {
			return k
		}
	}
	return nil
}

// FindStructType finds a type by name.
func (v *values) FindStructType(name string) (*types.Type, bool) {
	if k := v.of(name); k != nil {
		return types.NewTypeTypeWithParam(k.typ), true
	}
	return v.Registry.FindStructType(name)
}

// FindStructFieldNames names what there is in a type.
func (v *values) FindStructFieldNames(name string) ([]string, bool) {
	k := v.of(name)
	if k == nil {
		return v.Registry.FindStructFieldNames(name)
	}
	var names []string
	for n := range k.fields {
		names = append(names, n)
	}
	return names, true
}

// FindStructFieldType finds a field of a type.
func (v *values) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if k := v.of(name); k != nil {
		f, ok := k.fields[field]
		return f, ok
	}
	return v.Registry.FindStructFieldType(name, field)
}

// NativeToValue makes a value of CEL of one of Go. What is within a body comes here when it is looked at.
func (v *values) NativeToValue(value any) ref.Val {
	switch value := value.(type) {
	case json.Number:
		return number(value)
	case map[string]any:
		return types.NewMap(v, value)
	case []any:
		return types.NewList(v, value)
	case *Request:
		return object{v.request, value}
	case *Current:
		return object{v.current, value}
	case *Answer:
		return object{v.answer, value}
	}
	return v.Registry.NativeToValue(value)
}

// number is an int where it is written as one and fits, else a double, the nearest there is. What is beyond all doubles is infinite.
func number(n json.Number) ref.Val {
	if i, err := strconv.ParseInt(string(n), 10, 64); err == nil {
		return types.Int(i)
	}
	f, err := strconv.ParseFloat(string(n), 64)
	if err != nil && f == 0 {
		return types.NewErrFromString("not a number")
	}
	return types.Double(f)
}
