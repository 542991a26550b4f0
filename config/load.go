package config

import (
	"fmt"
	"io"
	"os"

	"gopkg.in/yaml.v3"
)

// maxFile bounds a configuration file, in bytes.
const maxFile = 1 << 20

// Load reads the file at path; see [Parse]. An error of the file system is returned as it is, wrapped; every other
// error is [Problems].
func Load(path string, env func(string) (string, bool)) (*Config, []Warning, error) {
	data, err := read(path)
	if err != nil {
		return nil, nil, fmt.Errorf("reading the configuration: %w", err)
	}
	return Parse(path, data, env)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile+1))
}

// Parse reads a configuration file's text; name is what problems call the file. References to variables in values are
// looked up by env, which is [os.LookupEnv] or like it; nil finds nothing. The error is [Problems], everything wrong with
// the file but that a syntax error stands alone; then there is no Config and there are no warnings.
func Parse(name string, data []byte, env func(string) (string, bool)) (*Config, []Warning, error) {
	if env == nil {
		env = func(string) (string, bool) { return "", false }
	}
	d := newDecoder(name, env)
	c := d.read(data)
	if len(d.problems) > 0 {
		return nil, nil, Problems(tidy(d.problems))
	}
	c.source = d.source
	return c, d.warnings(c), nil
}

// read decodes and checks the whole file. What it returns is sound only if there were no problems.
func (d *decoder) read(data []byte) *Config {
	c := defaults()
	root := d.document(data)
	if root == nil {
		return c
	}
	d.config(root, c)
	if target(root).Kind == yaml.MappingNode {
		d.check(c)
	}
	return c
}
