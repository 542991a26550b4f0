package framing

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"
)

// typical is a request as a browser or a client library sends it.
const typical = "PUT /articles/7 HTTP/1.1\r\nHost: api.example.org\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: application/json, text/plain, */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Content-Type: application/json\r\nIf-Match: \"33a64df551425fcc55e4d42a148795d9f25f89d4\"\r\nContent-Length: 21\r\nConnection: keep-alive\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\n\r\n{\"title\":\"an update\"}"

// BenchmarkFollow is what following one request costs.
func BenchmarkFollow(b *testing.B) {
	f := newFollower()
	request := []byte(typical)
	b.SetBytes(int64(len(request)))
	b.ReportAllocs()
	for b.Loop() {
		if n, problem := f.follow(request); n != len(request) {
			b.Fatal(n, problem)
		}
	}
}

// BenchmarkBody is what following a megabyte in a body costs.
func BenchmarkBody(b *testing.B) {
	f := newFollower()
	f.follow([]byte("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9223372036854775807\r\n\r\n"))
	piece := make([]byte, 32<<10)
	b.SetBytes(1 << 20)
	for b.Loop() {
		for range 32 {
			f.follow(piece)
		}
	}
}

// BenchmarkServer compares an http.Server with and without a Listener before it. One round is a request on each of two connections, so
// that both suffer alike from what else the machine does; what is reported are the medians, and their ratio.
func BenchmarkServer(b *testing.B) {
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	plain, followed := loopback(b), loopback(b)
	run(b, plain, answer)
	run(b, NewListener(followed, Options{Send: patience}), answer)
	askers := [2]*asker{newAsker(b, plain), newAsker(b, followed)}
	var times [2][]time.Duration
	for b.Loop() {
		for i, a := range askers {
			began := time.Now()
			a.ask()
			times[i] = append(times[i], time.Since(began))
		}
	}
	without, with := median(times[0]), median(times[1])
	b.ReportMetric(0, "ns/op") // which would be both together
	b.ReportMetric(float64(without), "ns-without")
	b.ReportMetric(float64(with), "ns-with")
	b.ReportMetric(float64(with)/float64(without), "ratio")
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}

// asker sends typical requests on one connection.
type asker struct {
	b    *testing.B
	conn net.Conn
	in   *bufio.Reader
}

func newAsker(b *testing.B, l net.Listener) *asker {
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { c.Close() })
	return &asker{b, c, bufio.NewReader(c)}
}

func (a *asker) ask() {
	if _, err := io.WriteString(a.conn, typical); err != nil {
		a.b.Fatal(err)
	}
	res, err := http.ReadResponse(a.in, nil)
	if err != nil {
		a.b.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, res.Body); n != 21 || err != nil {
		a.b.Fatal(n, err)
	}
}
