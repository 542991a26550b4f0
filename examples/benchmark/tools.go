package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// tools are the programs that the benchmark needs and does not build; empty where there is none.
type tools struct {
	wrk, redis, nginx string
	nginxModules      string // the folder of nginx' dynamic modules
}

// What Debian's packages install, besides nginx itself.
const (
	luaModule = "ngx_http_lua_module.so"
	luaRedis  = "/usr/share/lua/5.1/nginx/redis.lua"
)

func findTools() tools {
	return tools{
		wrk:          find("wrk"),
		redis:        find("redis-server"),
		nginx:        find("nginx"),
		nginxModules: "/usr/lib/nginx/modules",
	}
}

func find(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	// Where Debian has servers, and a plain user no PATH.
	if path, err := exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil {
		return path
	}
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (t tools) noRedis() string {
	if t.redis == "" {
		return "redis-server"
	}
	return ""
}

func (t tools) noNginx() string {
	var missing []string
	if t.redis == "" {
		missing = append(missing, "redis-server")
	}
	if t.nginx == "" {
		missing = append(missing, "nginx")
	}
	if !exists(filepath.Join(t.nginxModules, luaModule)) {
		missing = append(missing, "libnginx-mod-http-lua")
	}
	if !exists(luaRedis) {
		missing = append(missing, "lua-nginx-redis")
	}
	return strings.Join(missing, ", ")
}
