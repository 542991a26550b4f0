// Command backend is built as Rails applications are, without being one: pages with forms for browsers, JSON for programs at
// the same addresses, _method in forms, /7-title for /7, and weak entity tags over whatever the answer happens to be. It
// ignores If-Match, and the last write wins.
//
//	/articles, /articles/{id}   for everyone; each page has another masked CSRF token, as since Rails 4.2
//	/tickets, /tickets/{id}     for who is signed in (Cookie: session=NAME); one CSRF token in each session
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
	server := &http.Server{Handler: tagged(overridden(newApp())), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
