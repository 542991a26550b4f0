package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"proxy409/config"
	"proxy409/proxy"
)

func newExplain() *cobra.Command {
	var path string
	var a asked
	cmd := &cobra.Command{
		Use:   "explain --config FILE METHOD URL",
		Short: "Say what would be done with a request: its route, its key, what is asked of it",
		Long: "explain says in words what the proxy would do with a request, by the code that would do it, and asks neither\n" +
			"the store nor the backend. URL is a path such as /items/7?x=1, or a whole URL where the Host matters.",
		Example: `  proxy409 explain --config proxy409.yaml PUT /items/7 -H 'If-Match: "a1"'`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.method, a.url = args[0], args[1]
			cfg, _, err := config.Load(path, os.LookupEnv)
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			return explain(cmd.OutOrStdout(), cfg, a)
		},
	}
	cmd.Flags().StringVar(&path, "config", "", "the configuration file")
	cmd.Flags().StringArrayVarP(&a.headers, "header", "H", nil, "a field of the request's header, 'Name: value'; repeatable")
	cmd.Flags().StringVarP(&a.data, "data", "d", "", "the request's body, a form where no Content-Type is given")
	_ = cmd.MarkFlagRequired("config") // fails only for an unknown flag
	return cmd
}

// explain writes what becomes of the request.
func explain(out io.Writer, cfg *config.Config, a asked) error {
	e, err := explanation(cfg, a)
	if err != nil {
		return err
	}
	s := &sheet{out: out}
	fmt.Fprintf(out, "%s %s\n\n", a.method, a.url)
	words{cfg: cfg, asked: a, Explanation: e, route: routeOf(cfg, e.Route)}.write(s)
	return nil
}

// explanation asks a proxy of this configuration, which is made for this alone and reaches for nothing.
func explanation(cfg *config.Config, a asked) (proxy.Explanation, error) {
	r, err := a.request()
	if err != nil {
		return proxy.Explanation{}, err
	}
	in, err := assemble(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return proxy.Explanation{}, fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	defer func() { _ = in.close() }()
	return in.proxy.Explain(r), nil
}

// routeOf is the route of a name, or nil.
func routeOf(cfg *config.Config, name string) *config.Route {
	for i := range cfg.Routes {
		if cfg.Routes[i].Name == name {
			return &cfg.Routes[i]
		}
	}
	return nil
}

// sheet writes lines of a label and a text, the texts below each other.
type sheet struct {
	out   io.Writer
	label string // of the latest line
}

const (
	labelWidth = 12
	textWidth  = 96
)

// line writes one text; where the label is the one before, it is not repeated.
func (s *sheet) line(label, format string, args ...any) {
	shown := label
	if label == s.label {
		shown = ""
	}
	s.label = label
	for _, part := range wrap(fmt.Sprintf(format, args...), textWidth) {
		fmt.Fprintf(s.out, "%-*s%s\n", labelWidth, shown, part)
		shown = ""
	}
}

// wrap breaks a text at its spaces. What has none stays whole, so that it can be copied.
func wrap(text string, width int) []string {
	var lines []string
	var line strings.Builder
	for word := range strings.FieldsSeq(text) {
		if line.Len() > 0 && line.Len()+1+len(word) > width {
			lines = append(lines, line.String())
			line.Reset()
		}
		if line.Len() > 0 {
			line.WriteByte(' ')
		}
		line.WriteString(word)
	}
	return append(lines, line.String())
}
