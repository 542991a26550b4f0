package examples_test

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"proxy409/config"
)

// readmeCauses is the section of the README about the causes of a 409, by its headings.
func readmeCauses(t *testing.T) map[string]string {
	t.Helper()
	_, section, found := strings.Cut(read(t, "../README.md"), "\n## Every cause of a 409\n")
	if !found {
		t.Fatal("README.md has no section about every cause of a 409")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	causes := map[string]string{}
	for _, part := range strings.Split(section, "\n### ")[1:] {
		heading, text, _ := strings.Cut(part, "\n")
		causes[heading] = text
	}
	return causes
}

// TestReadmeShowsEveryCauseAsItHappens holds what the README shows of each cause against the configuration of the example, and carries out
// its exchange.
func TestReadmeShowsEveryCauseAsItHappens(t *testing.T) {
	t.Parallel()
	causes := readmeCauses(t)
	files := map[string]string{
		"Edit collision": "edit", "Creating what exists": "creation", "Stale version number": "version-number",
		"Deleting what others depend on": "dependents", "Steps out of order": "workflow",
	}
	for heading, cause := range files {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			text, found := causes[heading]
			if !found {
				t.Fatalf("README.md has no heading %q in its section", heading)
			}
			isExcerpt(t, text, "conflicts/proxy409-"+cause+".yaml")
			conflict(t, cause).carryOut("the README, under "+heading, text)
		})
	}
}

// TestReadmeShowsRetriesAndMergesAsTheyHappen does so with the sections about them.
func TestReadmeShowsRetriesAndMergesAsTheyHappen(t *testing.T) {
	t.Parallel()
	for heading, file := range map[string]string{
		"Retries that are not conflicts": "retries/proxy409-retries.yaml", "Conflicts that explain themselves": "retries/proxy409-merge.yaml",
	} {
		t.Run(heading, func(t *testing.T) {
			t.Parallel()
			_, text, found := strings.Cut(read(t, "../README.md"), "\n## "+heading+"\n")
			if !found {
				t.Fatal("README.md has no such section")
			}
			text, _, _ = strings.Cut(text, "\n## ")
			isExcerpt(t, text, file)
			stageFile(t, file, conflictAPI(t)).carryOut("the README, under "+heading, text)
		})
	}
}

// isExcerpt fails the test unless each route that the text shows is one of the file's.
func isExcerpt(t *testing.T, text, file string) {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != 1 {
		t.Fatalf("%d configurations under the heading of %s, want 1", len(blocks), file)
	}
	whole := routesOf(t, read(t, file))
	shown := routesOf(t, blocks[0][1])
	for name, route := range shown {
		if !reflect.DeepEqual(route, whole[name]) {
			t.Errorf("the README shows the route %s otherwise than %s has it:\n%+v\n%+v", name, file, route, whole[name])
		}
	}
}

func routesOf(t *testing.T, text string) map[string]config.Route {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy409.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := config.Load(file, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	routes := map[string]config.Route{}
	for _, route := range cfg.Routes {
		routes[route.Name] = route
	}
	return routes
}
