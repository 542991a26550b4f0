// Command backend is a JSON API as many were written: no ETag anywhere, If-Match unheard of, and the last write wins. Each of
// its resources betrays in a way of its own that it has changed.
//
//	/documents, /documents/{id}   a counter in the document: "version"
//	/articles/{id}                nothing but what it says, and one member that changes by itself: "served_at"
//	/settings                     a counter in a header field: X-Revision
//
// It is for the example and its test, and fit for nothing else.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9000", "`address` to listen on")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: zipped(newAPI()), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
