// Command backend is a JSON API as many were written: it looks, thinks for a moment, and writes, and nothing keeps anybody else out
// meanwhile. It checks nothing, and the last write wins. All the conflicts that this leads to can be seen in its log.
//
//	/users, /users/{id}                       two may have one e-mail; "version" counts writes, and is never compared
//	/customers, /customers/{id}               may be deleted while there are orders
//	/orders, /orders/{id}                     {"customer": id, "status": …}, of any customer and in any status
//	/orders/{id}/approve, /orders/{id}/cancel POST sets the status, whatever it was
//	/log                                      the writes that were applied, in order, one JSON object a line
//
// A list takes parameters: /users?email=ada@example.com has the users with that e-mail, and /orders?customer=7 the orders of that
// customer, without regard to letter case and to spaces around. Bodies are JSON or forms. There are no ETags.
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
	delay := flag.Duration("delay", 0, "how long a write thinks at most, between looking and writing")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
	server := &http.Server{Handler: newAPI(*delay), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
