package main

import (
	"context"
	"embed"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"text/template"

	"proxy409/examples/process"
)

// stand is one contender and all that it needs, started afresh for one measurement: the versions begin at v0, the store
// is empty, and the peak of the memory is that measurement's own.
type stand struct {
	dir     string
	backend *process.Process
	redis   *process.Process // nil where the contender has none
	proxy   *process.Process
	url     string // of the proxy
	ready   string // a URL that answers 200 when the proxy is ready

	backendAddr, redisAddr, listen string
}

// raise starts a contender. The caller stops the stand, also after an error.
func (b *bench) raise(ctx context.Context, s *stand, c contender, w workload) error {
	for _, addr := range []*string{&s.backendAddr, &s.redisAddr, &s.listen} {
		var err error
		if *addr, err = process.FreeAddress(); err != nil {
			return err
		}
	}
	s.url = "http://" + s.listen
	var err error
	if s.backend, err = process.Launch("the backend", filepath.Join(s.dir, "backend.log"), b.self,
		roleBackend, "-listen", s.backendAddr); err != nil {
		return err
	}
	if err := s.backend.Await(ctx, answers(b.client, "http://"+s.backendAddr+"/")); err != nil {
		return err
	}
	if c.redis {
		if err := b.startRedis(ctx, s); err != nil {
			return err
		}
	}
	s.ready = s.url + "/"
	if err := c.start(b, s, w); err != nil {
		return err
	}
	return s.proxy.Await(ctx, answers(b.client, s.ready))
}

// stop ends all processes of the stand.
func (s *stand) stop() {
	s.proxy.Stop()
	s.redis.Stop()
	s.backend.Stop()
}

// startRedis starts a Redis that keeps nothing on disk.
func (b *bench) startRedis(ctx context.Context, s *stand) error {
	host, port, err := net.SplitHostPort(s.redisAddr)
	if err != nil {
		return err
	}
	s.redis, err = process.Launch("redis-server", filepath.Join(s.dir, "redis.log"), b.tools.redis,
		"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", s.dir)
	if err != nil {
		return err
	}
	return s.redis.Await(ctx, pongs(s.redisAddr))
}

func (b *bench) startBare(s *stand, _ workload) error { return b.serveBare(s, false) }

func (b *bench) startPooled(s *stand, _ workload) error { return b.serveBare(s, true) }

func (b *bench) serveBare(s *stand, pooled bool) error {
	var err error
	s.proxy, err = process.Launch("the bare proxy", filepath.Join(s.dir, "bare.log"), b.self,
		roleBare, "-listen", s.listen, "-upstream", "http://"+s.backendAddr, "-pooled="+strconv.FormatBool(pooled))
	return err
}

// proxy409Config is as small as a user's who has read the README: metrics, decision log and limits are at their
// defaults. Without grace, because the benchmark begins with an empty Redis each time, and nobody else writes.
const proxy409Config = `listen: {{.Listen}}
upstream: http://{{.Backend}}
admin:
  listen: {{.Admin}}
store:
  grace: 0s
{{- if .Redis}}
  redis:
    url: redis://{{.Redis}}/0
{{- end}}
routes:
  - name: items
    match: /items/{id}
{{- if not .Guarded}}
    mode: "off"
{{- else if .TrustWrites}}
    version: {trust_writes: true}
{{- end}}
`

func (b *bench) startProxy409(s *stand, w workload) error {
	admin, err := process.FreeAddress()
	if err != nil {
		return err
	}
	data := struct {
		Listen, Backend, Admin, Redis string
		Guarded, TrustWrites          bool
	}{s.listen, s.backendAddr, admin, "", w.guarded, w.trustWrites}
	if s.redis != nil {
		data.Redis = s.redisAddr
	}
	file := filepath.Join(s.dir, "proxy409.yaml")
	if err := render(file, proxy409Config, data); err != nil {
		return err
	}
	s.ready = "http://" + admin + "/readyz"
	s.proxy, err = process.Launch("proxy409", filepath.Join(s.dir, "proxy409.log"), b.proxy409, "serve", "--config", file)
	return err
}

//go:embed nginx
var nginxFiles embed.FS

func (b *bench) startNginx(s *stand, w workload) error {
	conf, err := nginxFiles.ReadFile("nginx/nginx.conf.tmpl")
	if err != nil {
		return err
	}
	guard, err := nginxFiles.ReadFile("nginx/guard.lua")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "guard.lua"), guard, 0o600); err != nil {
		return err
	}
	_, redisPort, err := net.SplitHostPort(s.redisAddr)
	if err != nil {
		return err
	}
	data := struct {
		Dir, Modules, Listen, Backend, RedisPort string
		Root, Guarded                            bool
	}{s.dir, b.tools.nginxModules, s.listen, s.backendAddr, redisPort, os.Geteuid() == 0, w.guarded}
	file := filepath.Join(s.dir, "nginx.conf")
	if err := render(file, string(conf), data); err != nil {
		return err
	}
	s.proxy, err = process.Launch("nginx", filepath.Join(s.dir, "nginx-error.log"), b.tools.nginx, "-p", s.dir, "-c", file)
	return err
}

func render(file, text string, data any) error {
	t, err := template.New(filepath.Base(file)).Parse(text)
	if err != nil {
		return err
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := t.Execute(f, data); err != nil {
		_ = f.Close()
		return fmt.Errorf("%s: %w", file, err)
	}
	return f.Close()
}
