package ifmatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Refused is an answer that ends [Update]: the last one, if others have been quicker each time.
type Refused struct {
	Response *http.Response // without its body
	Body     []byte
	Reason   string // the proxy's, such as stale; "": it is the backend's answer
}

func (r *Refused) Error() string {
	text := fmt.Sprintf("%s %s: %s", r.Response.Request.Method, r.Response.Request.URL.Redacted(), r.Response.Status)
	if r.Reason != "" {
		text += " (" + r.Reason + ")"
	}
	return text
}

// othersWrote reports whether it helps to read again. It does not against the 409s of the backend and of the proxy's other rules, nor where
// something on the way takes If-Match away (missing).
func (r *Refused) othersWrote() bool {
	switch r.Response.StatusCode {
	case http.StatusPreconditionFailed:
		return true
	case http.StatusConflict:
		return r.Reason == "stale" || r.Reason == "absent" || r.Reason == "busy"
	}
	return false
}

// Update reads the JSON document at url, has change change it, and PUTs it with the ETag that came with it. If others have written
// meanwhile it does so anew, up to tries times in all (0: 5), with pauses; so change may be called several times, each time with what
// is there now. It returns nil when the document is written, a [*Refused] for any answer that ends it, and otherwise what went wrong.
//
// With the PUT goes all of T: what T has no place for is gone from the document. A map[string]json.RawMessage holds anything.
// Nothing is written when a read shows no ETag. A redirect of the read is followed, one of the PUT is not. The client's Transport
// should be a [*Transport], for answers that get lost; then [ErrInDoubt] is not tried again, as the change might be made twice.
func Update[T any](ctx context.Context, client *http.Client, url string, tries int, change func(*T) error) error {
	if tries <= 0 {
		tries = 5
	}
	for try := 1; ; try++ {
		err := updateOnce(ctx, client, url, change)
		var refused *Refused
		if !errors.As(err, &refused) || !refused.othersWrote() || try == tries {
			return err
		}
		if pause(ctx, try, refused.Response.Header.Get("Retry-After")) != nil {
			return err
		}
	}
}

func updateOnce[T any](ctx context.Context, client *http.Client, url string, change func(*T) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	read, err := exchange(client, req)
	if err != nil {
		return err
	}
	if read.Response.StatusCode != http.StatusOK {
		return read
	}
	tag := read.Response.Header.Get("ETag")
	if tag == "" {
		return fmt.Errorf("GET %s: there is no ETag, so nobody could tell from which version the change was made", url)
	}
	var document T
	if err := json.Unmarshal(read.Body, &document); err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	if err := change(&document); err != nil {
		return err
	}
	body, err := json.Marshal(document)
	if err != nil {
		return err
	}
	// Where the read was led. The tag is that of this URL alone, so it must not be carried on from there.
	req, err = http.NewRequestWithContext(ctx, http.MethodPut, read.Response.Request.URL.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", tag)
	req.Header.Set("Idempotency-Key", IdempotencyKey())
	direct := *client
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	wrote, err := exchange(&direct, req)
	if err == nil && wrote.Response.StatusCode/100 != 2 {
		return wrote
	}
	return err
}

// exchange returns the answer to a request in the form of a refusal, should it be one.
func exchange(client *http.Client, req *http.Request) (*Refused, error) {
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return &Refused{Response: res, Body: body, Reason: reason(res)}, err
}
