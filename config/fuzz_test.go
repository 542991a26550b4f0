package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob(filepath.Join("testdata", "*", "*.yaml"))
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("\xef\xbb\xbfupstream: http://h\r\nlisten: :1\r\n"))
	f.Add([]byte("\xff\xfeu\x00:\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, warnings, err := Parse("f", data, testEnv)
		again, warningsAgain, errAgain := Parse("f", data, testEnv)
		if !reflect.DeepEqual(c, again) || !reflect.DeepEqual(warnings, warningsAgain) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
			t.Fatal("the same file gives different results")
		}
		switch problems, _ := err.(Problems); {
		case err == nil:
			requireComplete(t, c)
		case len(problems) == 0 || c != nil || warnings != nil:
			t.Fatalf("got %v, %v, %v", c, warnings, err)
		default:
			requirePlaced(t, problems, len(data)+1)
		}
	})
}

func requireComplete(t *testing.T, c *Config) {
	if c.Upstream == nil || len(c.Routes) == 0 || c.Timeouts.BusyWait >= c.Timeouts.Write {
		t.Fatalf("accepted: %s", show(t, c))
	}
	for _, r := range c.Routes {
		if r.Name == "" || r.Match == "" || len(r.Guard) == 0 || r.Upstream == nil || r.Refusals.Status == nil ||
			r.Timeouts.BusyWait >= r.Timeouts.Write {
			t.Fatalf("accepted: %+v", r)
		}
		requireWholeRules(t, r)
		requireWholeRepeats(t, r)
	}
}

func requirePlaced(t *testing.T, ps Problems, lines int) {
	for i, p := range ps {
		if p.Message == "" || p.Line < 0 || p.Line > lines || i > 0 && p.Line < ps[i-1].Line {
			t.Fatalf("misplaced: %v", p)
		}
	}
}
