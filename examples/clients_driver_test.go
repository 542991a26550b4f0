package examples_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	ifmatch "proxy409/examples/clients/go"
)

// order is what a client helper is to do: send a request, update a document (its member n counts up), or, with do "count", update it often.
type order struct {
	Do       string            `json:"do"`
	Method   string            `json:"method"`
	URL      string            `json:"url"`
	Headers  map[string]string `json:"headers,omitempty"`
	Body     string            `json:"body"`
	Tries    int               `json:"tries"`
	Updaters int               `json:"updaters"` // how many at once
	Times    int               `json:"times"`    // how often each
}

// outcome is what came of it: an answer, or an error, which is Refused, InDoubt, Lost or something else.
type outcome struct {
	Status      int
	Body        string
	Error, Text string
	Reason      string // the proxy's, where it refused
}

// helper carries orders out, with the memory of one client.
type helper func(order) outcome

// everyClient runs a test with each of the client helpers. keep is of how many URLs they remember the tag.
func everyClient(t *testing.T, keep int, f func(*testing.T, helper)) {
	for name, start := range map[string]func(*testing.T, int) helper{"Go": goClient, "fetch": fetchClient, "requests": requestsClient} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, start(t, keep))
		})
	}
}

func fetchClient(t *testing.T, keep int) helper {
	t.Helper()
	return driven(t, exec.Command(installed(t, "node", "nodejs"), "testdata/clients/driver.mjs", strconv.Itoa(keep)))
}

func requestsClient(t *testing.T, keep int) helper {
	t.Helper()
	return driven(t, exec.Command(pythonWithRequests(t), "testdata/clients/driver.py", strconv.Itoa(keep)))
}

// pythonWithRequests is the Python that comes first, unless only Debian's own has requests.
func pythonWithRequests(t *testing.T) (path string) {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(python, "-c", "import requests").Run() == nil {
			return python
		}
	}
	missing(t, "there is no python3 with requests (Debian: apt-get install python3-requests)")
	return ""
}

// driven gives orders to a program, which ends when there are no more.
func driven(t *testing.T, driver *exec.Cmd) helper {
	t.Helper()
	orders, err := driver.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	driver.Stderr = os.Stderr
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		orders.Close()
		if err := driver.Wait(); err != nil {
			t.Error(err)
		}
	})
	answers := bufio.NewReader(output)
	return func(o order) (done outcome) {
		t.Helper()
		if err := json.NewEncoder(orders).Encode(o); err != nil {
			t.Fatal(err)
		}
		line, err := answers.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &done)
		}
		if err != nil {
			t.Fatalf("%s: %v in %q", driver, err, line)
		}
		return done
	}
}

func goClient(t *testing.T, keep int) helper {
	t.Helper()
	c := &http.Client{Transport: &ifmatch.Transport{Base: &http.Transport{MaxIdleConnsPerHost: 8}, Keep: keep}}
	t.Cleanup(c.CloseIdleConnections)
	return func(o order) outcome {
		switch o.Do {
		case "send":
			return sendWith(c, o)
		case "update":
			return outcomeOf(update(t.Context(), c, o))
		}
		var all sync.WaitGroup
		errs := make([]error, o.Updaters)
		for i := range errs {
			all.Go(func() {
				for n := 0; n < o.Times && errs[i] == nil; n++ {
					errs[i] = update(t.Context(), c, o)
				}
			})
		}
		all.Wait()
		return outcomeOf(errors.Join(errs...))
	}
}

func update(ctx context.Context, c *http.Client, o order) error {
	return ifmatch.Update(ctx, c, o.URL, o.Tries, func(document *map[string]any) error {
		n, _ := (*document)["n"].(float64)
		(*document)["n"] = n + 1
		return nil
	})
}

func sendWith(c *http.Client, o order) outcome {
	req, err := http.NewRequest(o.Method, o.URL, strings.NewReader(o.Body))
	if err != nil {
		return outcomeOf(err)
	}
	for name, value := range o.Headers {
		if value == "new" {
			value = ifmatch.IdempotencyKey()
		}
		req.Header.Set(name, value)
	}
	res, err := c.Do(req)
	if err != nil {
		return outcomeOf(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return outcomeOf(err)
	}
	return outcome{Status: res.StatusCode, Body: string(body)}
}

func outcomeOf(err error) outcome {
	if err == nil {
		return outcome{Status: http.StatusOK}
	}
	done := outcome{Error: "Lost", Text: err.Error()}
	var refused *ifmatch.Refused
	switch {
	case errors.Is(err, ifmatch.ErrInDoubt):
		done.Error = "InDoubt"
	case errors.As(err, &refused):
		done.Error, done.Status, done.Reason = "Refused", refused.Response.StatusCode, refused.Reason
	}
	return done
}
