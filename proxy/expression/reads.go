package expression

import (
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
)

// Reads is what an expression may read of what is only there if it is fetched. It never says false of what is read, and may say true of
// what is not: where an expression takes the request as a whole, or has a variable of its own of the same name.
type Reads struct {
	RequestBody, Current bool
	Asks                 map[string]bool
}

// readsOf looks for the variables in a checked expression.
func readsOf(checked *cel.Ast, asks []string) Reads {
	reads := Reads{Asks: map[string]bool{}}
	root := ast.NavigateAST(checked.NativeRep())
	for _, ident := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		switch name := strings.TrimPrefix(ident.AsIdent(), "."); {
		case name == requestName:
			reads.RequestBody = reads.RequestBody || mayBeBody(ident)
		case name == currentName:
			reads.Current = true
		case slices.Contains(asks, name):
			reads.Asks[name] = true
		}
	}
	return reads
}

// mayBeBody reports whether what is done with the request may be to read its body.
func mayBeBody(request ast.NavigableExpr) bool {
	parent, ok := request.Parent()
	return !ok || parent.Kind() != ast.SelectKind || parent.AsSelect().FieldName() == "body"
}
