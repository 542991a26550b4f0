package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"proxy409/examples/benchmark/backend"
)

// answered is what the driver itself wants to know of an answer.
type answered struct {
	status     int
	etag, body string
}

func newClient(connections int) *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
}

// send sends one request; a write carries the entity tag as If-Match.
func send(ctx context.Context, client *http.Client, method, url, ifMatch string, header ...string) (answered, error) {
	var body io.Reader
	if method == http.MethodPut {
		body = strings.NewReader(`{"title":"Report for the board"}`)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return answered{}, err
	}
	if ifMatch != "" {
		req.Header.Set("If-Match", ifMatch)
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := client.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return answered{res.StatusCode, res.Header.Get("ETag"), string(b)}, err
}

// warm reads every resource once, so that each is known.
func warm(ctx context.Context, client *http.Client, url string, resources, connections int) error {
	g, ctx := errgroup.WithContext(ctx)
	for first := range connections {
		g.Go(func() error {
			for i := first; i < resources; i += connections {
				if err := learn(ctx, client, url+"/items/"+strconv.Itoa(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// learn reads a resource. On a busy machine Redis may be late; proxy409 then says that it could not take note of the tag
// by qualifying it, and after a moment a repeated read finds it noted.
func learn(ctx context.Context, client *http.Client, item string) error {
	const attempts = 20
	for attempt := 1; ; attempt++ {
		a, err := send(ctx, client, http.MethodGet, item, "")
		if err != nil {
			return err
		}
		if a.status == http.StatusOK && a.etag == `"v0"` {
			return nil
		}
		if attempt == attempts {
			return fmt.Errorf(`GET %s: %d %s, want 200 "v0"`, item, a.status, a.etag)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// prove sends a write twice, from the same version. A guard must refuse the second; what guards nothing must let it
// through. A benchmark of a check that does not check would be worth nothing.
func prove(ctx context.Context, client *http.Client, url string, guarded bool) error {
	item := url + "/items/proof"
	read, err := send(ctx, client, http.MethodGet, item, "")
	if err != nil {
		return err
	}
	second := http.StatusOK
	if guarded {
		second = http.StatusConflict
	}
	for i, want := range []int{http.StatusOK, second} {
		a, err := send(ctx, client, http.MethodPut, item, read.etag, "User-Agent", "writer "+strconv.Itoa(i)) // two, not one who repeats
		if err != nil {
			return err
		}
		if a.status != want {
			return fmt.Errorf("write %d from version %s: %d, want %d: %s", i+1, read.etag, a.status, want, a.body)
		}
	}
	return nil
}

// countWrites asks the backend itself how many writes have come.
func countWrites(ctx context.Context, client *http.Client, backendURL string) (int, error) {
	a, err := send(ctx, client, http.MethodGet, backendURL+backend.CountPath, "")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(a.body)
}
