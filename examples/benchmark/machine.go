package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// machine is where and with what was measured; "unknown" and empty are what could not be found out.
type machine struct {
	Date   string `json:"date"`
	CPU    string `json:"cpu"`
	CPUs   int    `json:"cpus"`
	Kernel string `json:"kernel"`
	System string `json:"system"`
	Load   string `json:"load_average"` // of the last minute, when the benchmark had ended
	Go     string `json:"go"`
	Proxy  string `json:"proxy409"`
	Nginx  string `json:"nginx,omitempty"`
	Redis  string `json:"redis,omitempty"`
	Wrk    string `json:"wrk"`
}

func (b *bench) machine(ctx context.Context) machine {
	return machine{
		Date:   time.Now().UTC().Format(time.DateOnly),
		CPU:    match("/proc/cpuinfo", `(?m)^model name\s*:\s*(.*)$`),
		CPUs:   runtime.NumCPU(),
		Kernel: match("/proc/sys/kernel/osrelease", `(\S+)`),
		System: match("/etc/os-release", `(?m)^PRETTY_NAME="?([^"\n]*)`),
		Load:   match("/proc/loadavg", `(\S+)`),
		Go:     strings.TrimPrefix(runtime.Version(), "go"),
		Proxy:  versionOf(ctx, b.proxy409, `proxy409 (\S+)`, "version"),
		Nginx:  versionOf(ctx, b.tools.nginx, `nginx/(\S+)`, "-v"),
		Redis:  versionOf(ctx, b.tools.redis, `v=(\S+)`, "--version"),
		Wrk:    versionOf(ctx, b.tools.wrk, `wrk (\S+)`, "-v"),
	}
}

func (m machine) String() string {
	list := []string{
		fmt.Sprintf("%s, %d CPUs", m.CPU, m.CPUs), m.System, "Linux " + m.Kernel, "Go " + m.Go, "proxy409 " + m.Proxy,
	}
	if m.Nginx != "" {
		list = append(list, "nginx "+m.Nginx)
	}
	if m.Redis != "" {
		list = append(list, "Redis "+m.Redis)
	}
	return strings.Join(append(list, "wrk "+m.Wrk, "load average at the end "+m.Load), "; ") + "."
}

// match is the first group of the expression in a file.
func match(file, expression string) string {
	text, _ := os.ReadFile(file) // a file that is not there matches nothing
	return group(string(text), expression)
}

// versionOf asks a program for its version. Some answer on stderr, and wrk with a failure.
func versionOf(ctx context.Context, path, expression, flag string) string {
	if path == "" {
		return ""
	}
	out, _ := exec.CommandContext(ctx, path, flag).CombinedOutput()
	return group(string(out), expression)
}

func group(text, expression string) string {
	if m := regexp.MustCompile(expression).FindStringSubmatch(text); m != nil {
		return strings.TrimSpace(m[1])
	}
	return "unknown"
}
