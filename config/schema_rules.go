package config

const (
	maxExpect  = 16
	maxRules   = 16 // of a kind, in one route: each is a set of time series
	maxFields  = 16
	maxAsk     = 8
	maxStates  = 100
	maxPaths   = 16
	maxHeaders = 16
	maxCEL     = 4000
	maxMessage = 1000
	maxBody    = 16 << 10
)

// ruleKeys are the keys of a route about conflicts beside If-Match.
func (r *Rules) ruleKeys() keys {
	return keys{
		"expect":      notEmpty(&r.Expect, "names no place; leave the key out for If-Match alone", texts(&r.Expect, maxExpect, expectation)),
		"unique":      items(&r.Unique, maxRules, (*Unique).decode),
		"require":     items(&r.Require, maxRules, (*Require).decode),
		"transitions": func(d *decoder, v value) { r.Transitions = new(Transitions); r.Transitions.decode(d, v) },
		"resource":    one(&r.Resource, ruleTemplate),
		"leases":      texts(&r.Leases, maxPaths, ruleTemplate),
		"touches":     texts(&r.Touches, maxPaths, ruleTemplate),
		"ask_headers": named(&r.AskHeaders, "field", maxHeaders, askField, func(s *Secret) decodeFunc { return hidden(s, fieldValue) }),
	}
}

// judging are the keys without which a route that does not judge is left where `defaults` has them.
var judging = []string{"expect", "ask_headers", "idempotency", "history", "on_stale"}

// ownRules are the rules that belong to one route.
var ownRules = []string{"unique", "require", "transitions", "resource", "leases", "touches"}

func (u *Unique) decode(d *decoder, v value) {
	u.OnDuplicate = DuplicateRefuse
	const fields = "JSON pointers to what must be unique in the request's body, as [/email]"
	d.mapping(v, keys{
		"name":         one(&u.Name, routeName),
		"fields":       notEmpty(&u.Fields, "names no field; it wants "+fields, texts(&u.Fields, maxFields, jsonPointer)),
		"fold":         texts(&u.Fold, maxFields, oneOf("way to fold", FoldTrim, FoldLower, FoldNFC)),
		"ask":          one(&u.Ask, ruleTemplate),
		"list":         one(&u.List, jsonPointer),
		"location":     one(&u.Location, locationTemplate),
		"on_duplicate": one(&u.OnDuplicate, oneOf("way with duplicates", DuplicateRefuse, DuplicateReturn)),
	})
	d.require(v, "fields", fields)
	d.require(v, "ask", "where the backend says whether there is one already, as /users?email={/email}")
}

func (r *Require) decode(d *decoder, v value) {
	d.mapping(v, keys{
		"name":               one(&r.Name, routeName),
		"on":                 notEmpty(&r.On, "names no method; leave the key out for all that are judged", methods(&r.On, guardable)),
		"ask":                named(&r.Ask, "answer", maxAsk, answerName, func(s *string) decodeFunc { return one(s, ruleTemplate) }),
		"that":               one(&r.That, prose(maxCEL)),
		"message":            one(&r.Message, prose(maxMessage)),
		"message_expression": one(&r.MessageExpression, prose(maxCEL)),
	})
	d.require(v, "that", "the condition, in CEL, as size(orders.body) == 0")
}

func (t *Transitions) decode(d *decoder, v value) {
	const moves = "each state with those that may follow it, as {open: [closed], closed: []}"
	d.mapping(v, keys{
		"field": one(&t.Field, jsonPointer),
		"moves": named(&t.Moves, "state", maxStates, state, func(to *[]string) decodeFunc { return texts(to, maxStates, state) }),
		"initial": notEmpty(&t.Initial, "names no state; leave the key out where a resource may be created in any",
			texts(&t.Initial, maxStates, state)),
	})
	d.require(v, "field", "the JSON pointer to the state, such as /status")
	d.require(v, "moves", moves)
	if path := join(v.path, "moves"); len(t.Moves) == 0 && d.has(path) && d.sound(path) {
		d.fail(path, "names no state; it wants %s", moves)
	}
}

// items decodes a list of mappings. It replaces what is there.
func items[T any](dst *[]T, most int, decode func(*T, *decoder, value)) decodeFunc {
	return func(d *decoder, v value) {
		var found []T
		d.list(v, func(d *decoder, i int, v value) {
			if i == most {
				d.fail(v.path, "is one too many; %d are allowed", most)
			}
			if i >= most {
				return
			}
			found = append(found, make([]T, i+1-len(found))...) // one before may have had no value: keep the indices of the file
			decode(&found[i], d, v)
		})
		*dst = found
	}
}

// notEmpty has something against a list in which there is nothing.
func notEmpty(list *[]string, message string, decode decodeFunc) decodeFunc {
	return func(d *decoder, v value) {
		if decode(d, v); len(*list) == 0 && d.sound(v.path) {
			d.fail(v.path, "%s", message)
		}
	}
}
