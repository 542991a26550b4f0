package proxy_test

import (
	"testing"

	"proxy409/etagcache"
	"proxy409/proxy"
	"proxy409/proxy/refusal"
	"proxy409/proxy/validator"
)

// versioned is a route of documents whose versions are a member, and may be named in these places.
func versioned(expect ...string) proxy.Route {
	r := enforced("doc", "/docs/{id}", "PUT", "PATCH", "DELETE")
	r.Version.Source = validator.Source{From: validator.JSON, Pointer: "/version"}
	r.Rules.Expect = expect
	return r
}

// at2 gives /docs/a its second version, in which its title is "two".
func at2(u *ruled) {
	u.api.has("/docs/a", `{"title":"one"}`)
	u.api.has("/docs/a", `{"title":"two"}`)
}

func TestExpectEachPlaceAloneIsJudgedByAndAllThatArePresentMustBeCurrent(t *testing.T) {
	const current, stale = 200, 409
	everywhere := []string{"if-match", "json:/version", "form:lock_version", "header:X-Edited", "query:rev"}
	for name, tc := range map[string]struct {
		method, query, body string
		header              []string
		status              int
		reason              refusal.Reason
	}{
		"If-Match":                     {header: []string{"If-Match", `"2"`}, status: current},
		"If-Match, stale":              {header: []string{"If-Match", `"1"`}, status: stale},
		"JSON":                         {body: `{"version":2}`, status: current},
		"JSON, stale":                  {body: `{"version":1}`, status: stale},
		"JSON, of the future":          {body: `{"version":3}`, status: stale},
		"JSON, as a text":              {body: `{"version":"2"}`, status: current},
		"JSON, as a text, stale":       {body: `{"version":"1"}`, status: stale},
		"JSON, another number":         {body: `{"version":2.0}`, status: stale},
		"JSON, false":                  {body: `{"version":false}`, status: stale},
		"a merge patch":                {method: "PATCH", body: `{"version":2}`, header: []string{"Content-Type", "application/merge-patch+json"}, status: current},
		"a form":                       {body: "lock_version=2", header: []string{"Content-Type", formType}, status: current},
		"a form, stale":                {body: "lock_version=1", header: []string{"Content-Type", formType}, status: stale},
		"a form with what is of JSON":  {body: "version=2", header: []string{"Content-Type", formType}, status: stale, reason: refusal.Missing},
		"JSON with what is of a form":  {body: `{"lock_version":2}`, status: stale, reason: refusal.Missing},
		"a header":                     {header: []string{"X-Edited", " 2 "}, status: current},
		"a header, stale":              {header: []string{"X-Edited", "1"}, status: stale},
		"a header, twice":              {header: []string{"X-Edited", "2", "X-Edited", "2"}, status: 400, reason: refusal.Malformed},
		"a parameter":                  {query: "?rev=2", status: current},
		"a parameter, stale":           {query: "?rev=1", status: stale},
		"a parameter, twice":           {query: "?rev=2&rev=2", status: 400, reason: refusal.Malformed},
		"a parameter, of a DELETE":     {method: "DELETE", query: "?rev=2", status: 204},
		"a DELETE, stale":              {method: "DELETE", query: "?rev=1", status: stale},
		"all":                          {query: "?rev=2", body: `{"version":2}`, header: []string{"If-Match", `"2"`, "X-Edited", "2"}, status: current},
		"all but one":                  {query: "?rev=1", body: `{"version":2}`, header: []string{"If-Match", `"2"`, "X-Edited", "2"}, status: stale},
		"JSON and If-Match disagree":   {body: `{"version":2}`, header: []string{"If-Match", `"1"`}, status: stale},
		"If-Match and JSON disagree":   {body: `{"version":1}`, header: []string{"If-Match", `"2"`}, status: stale},
		"one of several tags":          {body: `{"version":2}`, header: []string{"If-Match", `"1", "2"`}, status: current},
		"the other of several tags":    {body: `{"version":1}`, header: []string{"If-Match", `"1", "2"`}, status: stale},
		"a weak tag":                   {body: `{"version":2}`, header: []string{"If-Match", `W/"2"`}, status: current},
		"two that agree on the old":    {query: "?rev=1", body: `{"version":1}`, status: stale},
		"If-Match: *":                  {header: []string{"If-Match", "*"}, status: stale, reason: refusal.Missing},
		"If-Match: * and JSON":         {body: `{"version":2}`, header: []string{"If-Match", "*"}, status: current},
		"If-Match: * and JSON, stale":  {body: `{"version":1}`, header: []string{"If-Match", "*"}, status: stale},
		"If-None-Match: *":             {body: `{"version":2}`, header: []string{"If-None-Match", "*"}, status: stale, reason: refusal.Exists},
		"nowhere":                      {body: `{"title":"x"}`, status: stale, reason: refusal.Missing},
		"nothing":                      {status: stale, reason: refusal.Missing},
		"null":                         {body: `{"version":null}`, status: stale, reason: refusal.Missing},
		"empty":                        {body: `{"version":""}`, query: "?rev=", header: []string{"X-Edited", ""}, status: stale, reason: refusal.Missing},
		"null, and elsewhere":          {body: `{"version":null}`, query: "?rev=2", status: current},
		"an array":                     {body: `{"version":[2]}`, status: 400, reason: refusal.Malformed},
		"an object":                    {body: `{"version":{"a":2}}`, header: []string{"If-Match", `"2"`}, status: 400, reason: refusal.Malformed},
		"twice":                        {body: `{"version":2,"version":1}`, status: 400, reason: refusal.Malformed},
		"in another spelling":          {body: `{"version":2,"Version":1}`, status: 400, reason: refusal.Malformed},
		"broken":                       {body: `{"version":2`, status: 400, reason: refusal.Malformed},
		"broken, beside If-Match":      {body: `{"version":2`, header: []string{"If-Match", `"2"`}, status: 400, reason: refusal.Malformed},
		"unreadable":                   {body: `version: 2`, header: []string{"Content-Type", "application/yaml"}, status: 415, reason: refusal.Unsupported},
		"unreadable, beside a version": {body: `not read`, header: []string{"Content-Type", "application/yaml", "If-Match", `"2"`}, status: current},
		"unreadable, beside a stale":   {body: `not read`, header: []string{"Content-Type", "application/yaml", "X-Edited", `1`}, status: stale},
		"malformed If-Match":           {body: `{"version":2}`, header: []string{"If-Match", `2`}, status: 400, reason: refusal.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				at2(u)
				u.api.says("PUT", "/docs/a", 200, "{}")
				method := "PUT"
				if tc.method != "" {
					method = tc.method
				}
				a := u.send(method, "/docs/a"+tc.query, tc.body, tc.header...)
				switch {
				case tc.status == stale && tc.reason == refusal.None:
					a.want(t, 409, refusal.Stale)
				case tc.reason == refusal.None:
					a.want(t, tc.status)
				default:
					a.want(t, tc.status, tc.reason)
				}
				if passed := len(u.api.writes()) > 0; passed != (tc.status < 300) {
					t.Errorf("the backend got %q", u.api.writes())
				}
			}, versioned(everywhere...))
		})
	}
}

func TestExpectOfOneVersionThatTheBodyNamesOneWriteGoesForward(t *testing.T) {
	underRules(t, func(u *ruled) {
		at2(u)
		replicas := []*proxy.Proxy{u.one, u.replica()}
		gate := u.api.hold("PUT", "/docs/a")
		first := u.start(u.one, "PUT", "/docs/a", `{"version":2,"title":"first"}`)
		u.at(gate, 1)
		var others []*pending
		for i := range 8 {
			others = append(others, u.start(replicas[i%2], "PUT", "/docs/a", `{"version":2,"title":"other"}`))
		}
		u.at(gate, 1)
		gate.release()
		first.answer().want(t, 200)
		for _, o := range others {
			o.answer().want(t, 409, refusal.Stale)
		}
		u.wrote(`PUT /docs/a {"version":2,"title":"first"}`)
	}, versioned("json:/version"))
}

func TestExpectWithIfNoneMatchAsteriskTheVersionInTheBodyCountsForNothing(t *testing.T) {
	underRules(t, func(u *ruled) {
		u.send("PUT", "/docs/new?rev=7", `{"version":0,"title":"born"}`, "If-None-Match", "*").want(t, 201)
	}, versioned("json:/version", "query:rev"))
}

func TestExpectTheTimeOfLastModified(t *testing.T) {
	r := versioned("if-unmodified-since")
	r.Version.Source = validator.Source{From: validator.Header, Header: "Last-Modified"}
	underRules(t, func(u *ruled) {
		at2(u)
		now := u.send("GET", "/docs/a", "").Header.Get("Last-Modified")
		u.send("PUT", "/docs/a", `{"title":"x"}`, "If-Unmodified-Since", "Mon, 01 Jan 2024 00:00:01 GMT").want(t, 409, refusal.Stale)
		u.send("PUT", "/docs/a", `{"title":"x"}`, "If-Unmodified-Since", "yesterday").want(t, 409, refusal.Stale)
		u.send("PUT", "/docs/a", `{"title":"x"}`).want(t, 409, refusal.Missing)
		u.send("PUT", "/docs/a", `{"title":"three"}`, "If-Unmodified-Since", now).want(t, 200)
		u.send("PUT", "/docs/a", `{"title":"lost"}`, "If-Unmodified-Since", now).want(t, 409, refusal.Stale)
		u.wrote(`PUT /docs/a {"title":"three"}`)
	}, r)
}

func TestExpectTheAnswerNamesBothVersions(t *testing.T) {
	for name, tc := range map[string]struct {
		body, query string
		header      []string
		expected    string
	}{
		"a number":      {body: `{"version":1}`, expected: `1`},
		"a text":        {body: `{"version":"1"}`, expected: `"1"`},
		"a parameter":   {query: "?rev=1", expected: `"1"`},
		"the first":     {query: "?rev=0", body: `{"version":1}`, expected: `"0"`},
		"If-Match":      {header: []string{"If-Match", `"1"`}},
		"beside a good": {header: []string{"If-Match", `"2"`}, body: `{"version":1}`, expected: `1`},
	} {
		t.Run(name, func(t *testing.T) {
			underRules(t, func(u *ruled) {
				at2(u)
				p := u.send("PUT", "/docs/a"+tc.query, tc.body, tc.header...).refused(t, 409, refusal.Stale, "")
				if string(p.ExpectedVersion) != tc.expected || string(p.CurrentVersion) != "2" || p.CurrentETag != `"2"` {
					t.Errorf("expected %s, current %s, %s", p.ExpectedVersion, p.CurrentVersion, p.CurrentETag)
				}
			}, versioned("json:/version", "query:rev"))
		})
	}
}

// A version that has come back is named by a qualified tag alone, which the body cannot know. With both, the write is admitted.
func TestExpectAVersionThatCameBackNeedsItsTagBesideTheBody(t *testing.T) {
	underRules(t, func(u *ruled) {
		at2(u)
		old := u.send("GET", "/docs/a", "").etag()
		u.send("PUT", "/docs/a", `{"version":2}`, "If-Match", old).want(t, 200)
		u.send("GET", "/docs/a", "") // 3
		u.api.mu.Lock()
		u.api.docs["/docs/a"]["version"] = 2 // it was restored
		u.api.mu.Unlock()
		tag := u.send("GET", "/docs/a", "").etag()
		if tag == old {
			t.Fatalf("the tag that came back is handed out as %s", tag)
		}
		u.send("PUT", "/docs/a", `{"version":2}`).want(t, 409, refusal.Stale)
		u.send("PUT", "/docs/a", `{"version":1}`, "If-Match", tag).want(t, 409, refusal.Stale)
		u.send("PUT", "/docs/a", `{"version":2}`, "If-Match", tag).want(t, 200)
	}, versioned("json:/version"))
}

func TestExpectWithTheBackendsOwnTags(t *testing.T) {
	r := versioned("json:/etag", "header:X-Etag")
	r.Version = proxy.Version{}
	underRules(t, func(u *ruled) {
		at2(u)
		u.send("PATCH", "/docs/a", `{"etag":"v1"}`).want(t, 409, refusal.Stale)
		u.send("PATCH", "/docs/a", `{"etag":"\"v2\""}`).want(t, 200)
		u.send("PATCH", "/docs/a", `{}`, "X-Etag", `W/"v3"`).want(t, 200)
		u.send("PATCH", "/docs/a", `{"etag":"v4"}`, "X-Etag", `"v4"`).want(t, 200)
		u.send("PATCH", "/docs/a", `{"etag":"v 5"}`).want(t, 409, refusal.Stale)
	}, r)
}

func TestExpectWhatIsMissingIsForgivenAndWhatIsStaleIsNot(t *testing.T) {
	r := versioned("json:/version")
	r.Missing = proxy.MissingAllow
	underRules(t, func(u *ruled) {
		at2(u)
		u.send("PATCH", "/docs/a", `{"version":1}`).want(t, 409, refusal.Stale)
		u.send("PATCH", "/docs/a", `{"title":"x"}`).want(t, 200)
		if u.told.count("decision passed ") != 1 {
			t.Errorf("%q", u.told.all())
		}
	}, r)
}

func TestExpectObserveRefusesNothingAndTellsWhatItWould(t *testing.T) {
	for name, tc := range map[string]struct {
		body, decision string
		header         []string
	}{
		"current":          {body: `{"version":2}`, decision: "decision admitted "},
		"stale":            {body: `{"version":1}`, decision: "decision would_refuse stale"},
		"missing":          {body: `{}`, decision: "decision would_refuse missing"},
		"an array":         {body: `{"version":[]}`, decision: "decision would_refuse malformed"},
		"a stale If-Match": {body: `{"version":2}`, header: []string{"If-Match", `"1"`}, decision: "decision would_refuse stale"},
		"a bad If-Match":   {body: `{"version":2}`, header: []string{"If-Match", `1`}, decision: "decision would_refuse malformed"},
		"unreadable":       {body: `{}`, header: []string{"Content-Type", "text/plain"}, decision: "decision would_refuse unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			r := versioned("json:/version")
			r.Mode = proxy.Observe
			underRules(t, func(u *ruled) {
				at2(u)
				u.send("PATCH", "/docs/a", tc.body, tc.header...).want(t, 200)
				if u.told.count(tc.decision) != 1 {
					t.Errorf("%q, want %q", u.told.all(), tc.decision)
				}
			}, r)
		})
	}
}

func TestExpectAWriteWhileTheStoreIsAwayIsCountedAsUnguarded(t *testing.T) {
	for name, header := range map[string][]string{"the body": nil, "a field": {"X-Edited", "2"}, "both": {"If-Match", `"2"`}} {
		t.Run(name, func(t *testing.T) {
			r := versioned("json:/version", "header:X-Edited")
			r.AllowBlind = true
			underRules(t, func(u *ruled) {
				at2(u)
				u.store.fail(etagcache.ErrNotSent)
				u.send("PATCH", "/docs/a", `{"version":2}`, header...).want(t, 200)
				if u.told.count("unguarded") != 1 || u.told.count("decision passed store") != 1 {
					t.Errorf("%q", u.told.all())
				}
				u.store.fail(nil)
				u.send("PATCH", "/docs/a", `{"version":2}`).want(t, 409, refusal.Stale)
			}, r)
		})
	}
}
