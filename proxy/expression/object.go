package expression

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// errNoSuchOverload is CEL's name for an operation that there is not for such operands.
var errNoSuchOverload = errors.New("no such overload")

func noSuchOverload() ref.Val { return types.WrapErr(errNoSuchOverload) }

// object is a variable that an expression uses as a whole, as in [orders, invoices].all(a, a.status == 200). All that can be done with
// it is to take a field, and to compare it.
type object struct {
	kind *kind
	of   any
}

// Get takes a field.
func (o object) Get(name ref.Val) ref.Val {
	f, failed := o.field(name)
	if failed != nil {
		return failed
	}
	value, err := f.GetFrom(o.of)
	if err != nil {
		return types.WrapErr(err)
	}
	return value.(ref.Val)
}

// IsSet is has() of a field.
func (o object) IsSet(name ref.Val) ref.Val {
	f, failed := o.field(name)
	if failed != nil {
		return failed
	}
	return types.Bool(f.IsSet(o.of))
}

func (o object) field(name ref.Val) (*types.FieldType, ref.Val) {
	s, ok := name.(types.String)
	if !ok {
		return nil, noSuchOverload()
	}
	f, ok := o.kind.fields[string(s)]
	if !ok {
		return nil, types.NewErrFromString("no such key")
	}
	return f, nil
}

// Equal compares the fields.
func (o object) Equal(other ref.Val) ref.Val {
	with, ok := other.(object)
	if !ok || with.kind != o.kind {
		return types.False
	}
	for name := range o.kind.fields {
		if types.Equal(o.Get(types.String(name)), with.Get(types.String(name))) != types.True {
			return types.False
		}
	}
	return types.True
}

// ConvertToNative has no answer.
func (object) ConvertToNative(reflect.Type) (any, error) {
	return nil, errNoSuchOverload
}

// ConvertToType knows the type of the object, and no other.
func (o object) ConvertToType(typ ref.Type) ref.Val {
	if typ == types.TypeType {
		return o.kind.typ
	}
	return noSuchOverload()
}

// Type is that of the variable.
func (o object) Type() ref.Type { return o.kind.typ }

// Value is the part of the input.
func (o object) Value() any { return o.of }
