package examples_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// applied is a line of the log of examples/conflicts/backend: a write that changed something, in the order of the changes.
type applied struct {
	Method, Path, ID string
	Before, After    *thing
	Email            string
}

// thing is what judges look at of a user, a customer or an order.
type thing struct {
	Email, Customer, Status string
	By                      string // which write this was, where the client says so
	Version                 int
	EditedFrom              int `json:"edited_from"` // the version that the client had in front of it
}

func (a applied) of(kind string) bool { return strings.HasPrefix(a.Path, "/"+kind) }

func (a applied) String() string { return fmt.Sprintf("%s %s (%s)", a.Method, a.Path, a.ID) }

// history fetches the log.
func history(t testing.TB, backend string) []applied { return logOf[applied](t, backend) }

// logOf fetches the log, each line as far as T has it.
func logOf[T any](t testing.TB, backend string) (log []T) {
	t.Helper()
	lines := json.NewDecoder(strings.NewReader(send(t, "GET", backend+"/log", "").body))
	for {
		var this T
		err := lines.Decode(&this)
		if errors.Is(err, io.EOF) {
			return log
		}
		if err != nil {
			t.Fatalf("the backend's log: %v", err)
		}
		log = append(log, this)
	}
}

// twins are the writes after which two users have one e-mail.
func twins(log []applied) (found []string) {
	emails, owners := map[string]string{}, map[string][]string{} // by id, and by e-mail
	for _, a := range log {
		if !a.of("users") {
			continue
		}
		if before := emails[a.ID]; before != "" {
			owners[before] = slices.DeleteFunc(owners[before], func(id string) bool { return id == a.ID })
		}
		emails[a.ID] = ""
		if a.After == nil || a.After.Email == "" {
			continue
		}
		email := strings.ToLower(strings.TrimSpace(a.After.Email))
		if len(owners[email]) > 0 {
			found = append(found, fmt.Sprintf("%v: %s is the e-mail of %v", a, email, owners[email]))
		}
		emails[a.ID], owners[email] = email, append(owners[email], a.ID)
	}
	return found
}

// overwritten are the writes that were meant to create, and met somebody.
func overwritten(log []applied) (found []string) {
	for _, a := range log {
		if a.Method == "PUT" && a.Before != nil {
			found = append(found, a.String())
		}
	}
	return found
}

// lost are the writes that were made from another version than they met, and those from a version that others were made from.
func lost(log []applied) (found []string) {
	from := map[string]bool{}
	for _, a := range log {
		if a.Method != "PUT" {
			continue
		}
		version := fmt.Sprint(a.ID, " ", a.After.EditedFrom)
		if a.Before == nil || a.Before.Version != a.After.EditedFrom || from[version] {
			found = append(found, fmt.Sprintf("%v: made from version %d", a, a.After.EditedFrom))
		}
		from[version] = true
	}
	return found
}

// orphans are the orders of customers who were not there, and the customers who went while they had orders.
func orphans(log []applied) (found []string) {
	customers, orders := map[string]bool{}, map[string]int{} // orders by customer
	for _, a := range log {
		switch {
		case a.of("customers"):
			if customers[a.ID] = a.After != nil; a.After == nil && orders[a.ID] > 0 {
				found = append(found, fmt.Sprintf("%v: there are orders", a))
			}
		case a.of("orders"):
			if a.Before != nil {
				orders[a.Before.Customer]--
			}
			if a.After == nil {
				continue
			}
			if orders[a.After.Customer]++; !customers[a.After.Customer] {
				found = append(found, fmt.Sprintf("%v: there is no customer %s", a, a.After.Customer))
			}
		}
	}
	return found
}

// missteps are the writes that took an order to where nothing leads from where it was, and approvals and cancellations of
// what was not pending.
func missteps(log []applied) (found []string) {
	moves := map[string][]string{"": {"pending"}, "pending": {"pending", "approved", "cancelled"}, "approved": {"approved", "shipped"}, "shipped": {"shipped"}, "cancelled": {"cancelled"}}
	for _, a := range log {
		if !a.of("orders") || a.After == nil {
			continue
		}
		from, step := "", a.Before != nil && a.Method == "POST"
		if a.Before != nil {
			from = a.Before.Status
		}
		if !slices.Contains(moves[from], a.After.Status) || step && from != "pending" {
			found = append(found, fmt.Sprintf("%v: from %q to %q", a, from, a.After.Status))
		}
	}
	return found
}
