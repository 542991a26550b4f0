package proxy

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy/rules"
)

// planUnique finds what must be unique in the write.
func (w *write) planUnique(s *ruleset) *objection {
	for i := range s.unique {
		rule := &s.unique[i]
		if !w.has(http.MethodPost) && (rule.location.IsZero() || !w.has(http.MethodPut) && !w.merges()) {
			continue
		}
		doc, o := w.document()
		if o != nil {
			return o
		}
		v := value{rule: rule}
		present := 0
		for _, pointer := range rule.fields {
			field, err := w.saidAt(doc, pointer)
			text := field.Text
			if err == nil && !w.merges() {
				text, err = doc.Text(pointer)
			}
			if err != nil {
				return malformed("What must be unique cannot be told: " + err.Error() + ".")
			}
			if field.Present {
				present++
			}
			v.sent = append(v.sent, text)
		}
		switch {
		case present == 0 && w.merges():
			continue // it leaves them as they are, and to who takes it for a POST it has none
		case slices.Contains(v.sent, "") && w.merges():
			return malformed(fmt.Sprintf("What must be unique cannot be told: a PATCH has all of %s, or none.", pointers(rule.fields)))
		}
		v.key = rule.key(w.x.route, v.sent)
		w.values = append(w.values, v)
	}
	return nil
}

// key names a value in the store. Two rules that ask alike are about the same, whatever their routes are.
func (u *uniqueRule) key(p *route, sent []string) etagcache.Key {
	folded := make([]string, len(sent))
	for i, text := range sent {
		folded[i] = u.fold.Apply(text)
	}
	return rules.UniqueKey(p.origin+" "+p.base.String()+u.ask.String(), texts(u.fields), folded)
}

func texts(pointers []rules.Pointer) []string {
	list := make([]string, len(pointers))
	for i, p := range pointers {
		list[i] = p.String()
	}
	return list
}

func pointers(list []rules.Pointer) string { return strings.Join(texts(list), ", ") }
