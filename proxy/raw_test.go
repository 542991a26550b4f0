package proxy_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"

	"proxy409/etagcache"
	"proxy409/proxy"
)

// raw sends a request with the target spelt exactly so, and returns the status.
func (f *fleet) raw(c *client, method, target string) int {
	f.t.Helper()
	at := strings.TrimPrefix(c.url, "http://")
	conn, err := net.Dial("tcp", at)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1\r\n\r\nx", method, target, at)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, target, err)
	}
	res.Body.Close()
	return res.StatusCode
}

// configured says what is wrong with the configuration.
func (f *fleet) configured() error {
	cfg := f.cfg
	cfg.Cache = etagcache.New(f.store, f.cache)
	_, err := proxy.New(cfg)
	return err
}
