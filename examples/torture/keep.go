package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"

	"github.com/anishathalye/porcupine"
)

// keeper keeps what a person needs who looks into a violation, in the folder that the replicas' logs are in.
type keeper struct {
	dir string
	all bool // also the histories in which nothing is wrong
}

// picture draws a history that is no register's, as a page for a browser.
func (k keeper) picture(f finding, n int) (string, error) {
	path := filepath.Join(k.dir, fmt.Sprintf("violation-%03d.html", n))
	return path, porcupine.VisualizePath(f.model, f.info, path)
}

// stretch adds a stretch's log and histories to two files, as text.
func (k keeper) stretch(log []applied, ops []op, wrong bool) error {
	if !wrong && !k.all {
		return nil
	}
	if err := k.lines("backend.txt", len(log), func(i int) string {
		w := log[i]
		return fmt.Sprintf("%s %s write %d from %d over %d (%s)", clock(w.at), pathOf(w.resource), w.id, w.base, w.over, w.how)
	}); err != nil {
		return err
	}
	return k.lines("clients.txt", len(ops), func(i int) string { return ops[i].String() })
}

func (k keeper) lines(name string, n int, line func(int) string) error {
	f, err := os.OpenFile(filepath.Join(k.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range n {
		fmt.Fprintln(w, line(i))
	}
	if err := w.Flush(); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
