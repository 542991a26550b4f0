package proxy_test

import (
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

// hijacked is the connection of a request, in the hands of a backend that breaks the rules.
func hijacked(w http.ResponseWriter) *wire {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return conn.(*wire)
}

// misread answers a read badly.
func (o *origin) misread(w http.ResponseWriter, r *http.Request, a originAnswer, random *rand.Rand) {
	switch random.IntN(6) {
	case 0, 1:
		o.w.fault("backend: a read is answered late, with what was there before")
		time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
		a.send(w)
	case 2:
		o.w.fault("backend: a read is reset")
		hijacked(w).reset()
	case 3:
		o.w.fault("backend: a read is answered with an error")
		http.Error(w, "sorry", pick(random, 400, 401, 403, 429, 500, 502, 503))
	case 4:
		if r.Method == http.MethodHead {
			a.send(w)
			return
		}
		o.w.fault("backend: half an answer to a read")
		conn := hijacked(w)
		head := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n"
		if tag := a.header.Get("ETag"); tag != "" {
			head += "ETag: " + tag + "\r\n"
		}
		_, _ = io.WriteString(conn, head+"\r\nhalf")
		_ = conn.Close()
	case 5:
		o.w.fault("backend: a read takes longer than anybody waits")
		_ = sleep(r.Context(), 40*time.Second)
		a.send(w)
	}
}

// mishandle does one of the many wrong things with a write.
func (w *originWrite) mishandle(random *rand.Rand) {
	world := w.origin.w
	later := time.Duration(random.Int64N(int64(world.abandonedFor())))
	switch random.IntN(14) {
	case 0:
		world.fault("backend: reset before it is applied")
		w.reset("reset")
	case 1:
		world.fault("backend: applied, then reset")
		w.apply()
		w.reset("reset")
	case 2:
		world.fault("backend: 500 before it is applied")
		w.answer(originAnswer{status: 500})
	case 3:
		world.fault("backend: 500 after it is applied")
		w.apply()
		w.answer(originAnswer{status: 500})
	case 4:
		world.fault("backend: half an answer to a write")
		w.apply()
		w.says("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
	case 5:
		world.fault("backend: applied after the proxy gave up")
		_ = sleep(w.r.Context(), 10*time.Minute) // until nobody waits any more
		time.Sleep(later)
		w.apply()
		w.answer(w.success())
	case 6, 7:
		status := pick(random, 400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429)
		world.fault("backend: 4xx")
		a := originAnswer{status: status, header: make(http.Header)}
		if world.law.absentTag {
			a.header.Set("ETag", `"error"`)
		}
		w.answer(a)
	case 8:
		world.fault("backend: 202, and applied later")
		w.after(later, 202)
	case 9:
		status := pick(random, 408, 502, 503, 504)
		world.fault("backend: 408, 502, 503 or 504, and applied later")
		w.after(later, status)
	case 10:
		world.fault("backend: 1xx first")
		w.w.WriteHeader(http.StatusEarlyHints)
		w.apply()
		w.answer(w.success())
	case 11:
		world.fault("backend: an answer that is no HTTP")
		w.apply()
		w.says("200 fine\n\n")
	case 12:
		world.fault("backend: half a header")
		w.apply()
		w.says("HTTP/1.1 20")
	case 13:
		world.fault("backend: applied, and answered late")
		w.apply()
		time.Sleep(time.Duration(random.IntN(25)) * time.Second)
		w.answer(w.success())
	}
}

// after answers now and applies the write later, whatever becomes of the connection.
func (w *originWrite) after(d time.Duration, status int) {
	w.origin.w.background.Go(func() {
		time.Sleep(d)
		w.apply()
		w.origin.w.judge.leaves(w.deed, "applied at last")
	})
	w.origin.w.judge.tell(w.path, "the backend answers %s: %d, and will apply it in %v", w.id, status, d)
	originAnswer{status: status}.send(w.w)
}

func (w *originWrite) reset(how string) {
	w.origin.w.judge.leaves(w.deed, how)
	hijacked(w.w).reset()
}

// says writes to the connection and closes it.
func (w *originWrite) says(what string) {
	w.origin.w.judge.leaves(w.deed, strconv.Quote(what))
	conn := hijacked(w.w)
	_, _ = io.WriteString(conn, what)
	_ = conn.Close()
}

var _ net.Conn = (*wire)(nil)
