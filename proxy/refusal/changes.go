package refusal

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The most that is told of what has changed: bytes in JSON; rows, and characters of a value, where people read it.
const (
	maxChanges = 64 << 10
	maxRows    = 50
	maxValue   = 100
)

// change is an entry of [Refusal.Changes].
type change struct {
	Pointer       string          `json:"pointer"`
	Base          json.RawMessage `json:"base"`
	Yours         json.RawMessage `json:"yours"`
	Theirs        json.RawMessage `json:"theirs"`
	YoursRemoved  bool            `json:"yours_removed"`
	TheirsRemoved bool            `json:"theirs_removed"`
	Overlap       bool            `json:"overlap"`
}

// listed reads changes. It is nil if they are none, which nobody can then be told of.
func listed(changes json.RawMessage) (list []change) {
	if len(changes) > maxChanges || !utf8.Valid(changes) || json.Unmarshal(changes, &list) != nil {
		return nil
	}
	return list
}

// changeTable is what people are told of the changes.
type changeTable struct {
	Title   string
	Columns []string // the first is the field
	Rows    []changeRow
	More    int // that are not shown
}

// changeRow is one member that somebody has changed. Mark says so if others changed it and the caller changes it too, in another way; else
// it is "".
type changeRow struct {
	Field, Mark string
	Cells       []cell
}

// cell is a value as JSON, or a word for want of one, and the column that it stands in.
type cell struct{ Column, Value, Word string }

var columns = []string{"Field", "Before", "You", "Others"}

// table shows those changes first that overlap. It is nil if there is nothing to show.
func (p problem) table() *changeTable {
	list := listed(p.Changes)
	if len(list) == 0 {
		return nil
	}
	t := &changeTable{Title: "What has changed since you read it", Columns: columns, More: max(0, len(list)-maxRows)}
	for _, overlap := range []bool{true, false} {
		for _, c := range list {
			if c.Overlap == overlap && len(t.Rows) < maxRows {
				t.Rows = append(t.Rows, c.row())
			}
		}
	}
	return t
}

func (c change) row() changeRow {
	r := changeRow{Field: printable(c.Pointer, maxValue), Cells: []cell{
		cellOf(columns[1], c.Base, "not there"), changed(columns[2], c.Yours, c.YoursRemoved), changed(columns[3], c.Theirs, c.TheirsRemoved),
	}}
	if r.Field == "" {
		r.Field = "all of it"
	}
	if c.Overlap {
		r.Mark = "changed by both"
	}
	return r
}

func changed(column string, to json.RawMessage, removed bool) cell {
	if removed {
		return cell{Column: column, Word: "removed"}
	}
	return cellOf(column, to, "not changed")
}

func cellOf(column string, value json.RawMessage, none string) cell {
	if value == nil {
		return cell{Column: column, Word: none}
	}
	return cell{Column: column, Value: printable(compact(value), maxValue)}
}

// text is a paragraph with a line for each row. Quotes tell a value from a word there.
func (t *changeTable) text() string {
	if t == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString(t.Title + ":\n")
	for _, r := range t.Rows {
		b.WriteString(r.Field)
		if r.Mark != "" {
			b.WriteString(" (" + r.Mark + ")")
		}
		for i, c := range r.Cells {
			b.WriteString([]string{": ", "; ", "; "}[i] + strings.ToLower(c.Column) + ": " + c.Value + c.Word)
		}
		b.WriteString("\n")
	}
	if t.More > 0 {
		b.WriteString("and " + strconv.Itoa(t.More) + " more\n")
	}
	return b.String() + "\n"
}
