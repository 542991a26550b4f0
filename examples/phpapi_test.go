package examples_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	phpGet    = "/api.php?action=get&id="
	phpSave   = "/api.php?action=save&id="
	phpDelete = "/api.php?action=delete&id="
)

// phpAPI starts PHP's own server with four workers, so that the script meets itself.
func phpAPI(t *testing.T) *stand {
	t.Helper()
	php := installed(t, "php", "php-cli")
	addr := freeAddress(t)
	backend := launch(t, []string{"PHP_CLI_SERVER_WORKERS=4", "RECORDS=" + filepath.Join(t.TempDir(), "records.json")},
		php, "-S", addr, "-t", "php-api/backend")
	backend.listens(addr)
	return stage(t, "php-api", "http://"+addr)
}

var phpWrites = regexp.MustCompile(`action=(save|delete|create|admin)|/install|/api\.php/`)

func phpWrite(a arrival) bool { return phpWrites.MatchString(a.target) || unsafeMethod(a) }

// intact fails the test if f lets something through that the script would write for.
func (s *stand) intact(f func()) {
	s.t.Helper()
	if writes := s.reached(phpWrite, f); len(writes) > 0 {
		s.t.Fatalf("the script was reached by %s %s", writes[0].method, writes[0].target)
	}
}

func TestPHPReadmeIsWhatHappens(t *testing.T) {
	t.Parallel()
	phpAPI(t).transcript("php-api")
}

func TestPHPRecordIsReadAndSaved(t *testing.T) {
	t.Parallel()
	s := phpAPI(t)
	read := s.get(phpGet + "7")
	tag := read.tagged()
	if again := s.get("/api.php?id=7&action=get"); again.tagged() != tag || again.body == read.body {
		t.Fatalf("another read has the tag %s, want %s", again.tagged(), tag)
	}
	s.send("GET", phpGet+"7", "", "If-None-Match", tag).want(304, "")
	s.send("POST", phpSave+"7", form("name", "Grace Hopper", "city", "Arlington"), "If-Match", tag).want(200, "")
	s.intact(func() {
		s.send("POST", phpSave+"7", `{"name":"Lost"}`, "If-Match", tag).want(409, "stale")
		s.send("POST", phpSave+"7", form("name", "Blind")).want(409, "missing")
		s.send("POST", "/api.php?id=7&action=save", form("name", "Lost"), "If-Match", tag).want(409, "stale")
	})
	s.send("POST", phpSave+"7", `{"name":"JSON","city":"too"}`, "If-Match", s.get(phpGet+"7").tagged()).want(200, "")
	if name := s.get(phpGet + "7").member("name"); name != "JSON" {
		t.Errorf("the name is %q", name)
	}
	// The other record is another resource.
	s.send("POST", phpSave+"1", form("name", "Ada"), "If-Match", s.get(phpGet+"1").tagged()).want(200, "")
}

func TestPHPRecordIsCreatedAndDeleted(t *testing.T) {
	t.Parallel()
	s := phpAPI(t)
	id := s.send("POST", "/api.php?action=create", form("name", "New")).want(200, "").member("id")
	s.send("POST", phpSave+"30", form("name", "Chosen"), "If-None-Match", "*").want(200, "")
	tag := s.get(phpGet + "30").tagged()
	s.intact(func() {
		s.send("POST", phpSave+"30", form("name", "Chosen too"), "If-None-Match", "*").want(409, "exists")
		s.send("GET", phpDelete+id, "").want(409, "missing") // a link, followed by a person or a crawler
		s.send("HEAD", phpDelete+id, "").want(409, "missing")
		s.send("POST", phpDelete+id, "").want(409, "missing")
		s.send("GET", phpDelete+id, "", "If-Match", tag).want(409, "stale")
		s.send("POST", phpSave+"31", form("name", "Nobody"), "If-Match", tag).want(409, "absent")
	})
	s.send("GET", phpDelete+"30", "", "If-Match", tag).want(200, "")
	s.send("GET", phpGet+"30", "").want(404, "")
	s.send("POST", phpDelete+id, "", "If-Match", s.get(phpGet+id).tagged()).want(200, "")
	if list := s.get("/api.php?action=list"); strings.TrimSpace(list.body) != "[1,7]" {
		t.Errorf("the list is %s", list.body)
	}
}

// PHP takes the last of several parameters, makes an array of id[], and a number of whatever begins like one.
func TestPHPWritesNeedOneGoodID(t *testing.T) {
	t.Parallel()
	s := phpAPI(t)
	tag := s.get(phpGet + "7").tagged()
	s.intact(func() {
		for _, query := range []string{
			"", "&id=", "&id=7&id=1", "&id=7;id=1", "&id[]=7", "&id=07", "&id=7abc", "&id=%207", "&id=7.0", "&id=7%00", "&id=0",
			"&id=-7", "&id=99999999999999999999",
		} {
			s.send("POST", "/api.php?action=save"+query, form("name", "?"), "If-Match", tag).want(400, "malformed")
		}
		s.send("POST", "/api.php?action=get&action=save&id=7", form("name", "?"), "If-Match", tag).want(403, "closed")
		s.send("POST", "/api.php?action=get&id=7", form("name", "?")).want(409, "missing")
	})
	s.send("GET", phpGet+"8&id=7", "").want(200, "")
	s.send("GET", "/api.php?action=get&id=07", "").want(200, "")
	// What was read in a spelling that is no key is nobody's version.
	odd := s.get("/api.php?action=get&id=07").tagged()
	s.intact(func() { s.send("POST", phpSave+"7", form("name", "?"), "If-Match", odd).want(409, "stale") })
	s.send("POST", phpSave+"7", form("name", "Good"), "If-Match", tag).want(200, "")
}

func TestPHPSideDoorsAreClosed(t *testing.T) {
	t.Parallel()
	s := phpAPI(t)
	tag := s.get(phpGet + "7").tagged()
	s.intact(func() {
		for _, target := range []string{
			"/api.php?action=admin", "/api.php?action=export", "/api.php", "/api.php?action=save%00&id=7", "/api.php?action=Save&id=7",
			"/install.php", "/%69nstall.php", "//install.php", "/x/../install.php", "/api.php/x?action=save&id=7", "/api.php/x/y?action=delete&id=7",
		} {
			for _, method := range []string{"GET", "POST"} {
				s.send(method, target, "", "If-Match", tag).want(403, "closed")
			}
		}
	})
	if s.get(phpGet+"7").tagged() != tag {
		t.Error("the record has changed")
	}
	s.send("GET", "/logo.png", "").want(404, "") // the backend's own
}

func TestPHPRaceHasOneWinnerPerVersion(t *testing.T) {
	t.Parallel()
	s := phpAPI(t)
	contest{
		clients: 8, rounds: 6, isWrite: phpWrite,
		read: func() string { return s.get(phpGet + "7").tagged() },
		write: func(client int, tag string) answer {
			name := fmt.Sprintf("%d after %s", client, tag)
			if client%2 == 0 {
				return s.send("POST", "/api.php?id=7&action=save", form("name", name), "If-Match", tag)
			}
			return s.send("GET", phpSave+"7&"+form("name", name), "", "If-Match", tag)
		},
	}.run(s)
}
