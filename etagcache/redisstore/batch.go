package redisstore

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// batcher sends the commands that come while others are under way together, as one pipeline: under load that is a fraction
// of the system calls, here and at the server. A command that comes alone is sent alone, at once.
//
// go-redis has an auto-pipeliner of its own, which is about as fast. It is marked experimental, and cannot say of a command
// that was given up on whether it may be sent yet; a compare-and-swap must know.
type batcher struct {
	client  *redis.Client
	timeout time.Duration

	mu     sync.Mutex
	queue  []*call
	active int // batches under way
}

// lanes is how many batches are under way at most. With one, each command would wait for the one before; with many, none
// would wait, and none be joined.
const lanes = 2

type call struct {
	cmd  *redis.Cmd
	done chan struct{}
}

// do runs the command and returns its error. Only the context's deadline cuts it short, not its end before that. lost: the
// time was over while others had the command in hand. It may be sent yet, and the caller must not look at it any more.
func (b *batcher) do(ctx context.Context, cmd *redis.Cmd) (lost bool, err error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(b.timeout)
	}
	b.mu.Lock()
	if b.active < lanes {
		b.active++
		b.mu.Unlock()
		err := b.client.Process(ctx, cmd)
		b.next()
		return false, err
	}
	c := &call{cmd: cmd, done: make(chan struct{})}
	b.queue = append(b.queue, c)
	b.mu.Unlock()
	expired := time.NewTimer(time.Until(deadline))
	defer expired.Stop()
	select {
	case <-c.done:
		return false, cmd.Err()
	case <-expired.C:
		return !b.withdraw(c), context.DeadlineExceeded
	}
}

// withdraw takes a call out of the queue; false: it is not there any more.
func (b *batcher) withdraw(c *call) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.queue, c)
	if i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
	}
	return i >= 0
}

// next ends a batch, and begins the next one if there is something to send.
func (b *batcher) next() {
	b.mu.Lock()
	if len(b.queue) == 0 {
		b.active--
		b.mu.Unlock()
		return
	}
	batch := b.queue
	b.queue = nil
	b.mu.Unlock()
	go b.send(batch)
}

// send runs a batch. Its callers wait no longer than each has time; the batch has as much as one of them has at most.
func (b *batcher) send(batch []*call) {
	defer b.next()
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	pipe := b.client.Pipeline()
	for _, c := range batch {
		_ = pipe.Process(ctx, c.cmd) // it only notes the command
	}
	_, _ = pipe.Exec(ctx) // each command has its own error
	for _, c := range batch {
		close(c.done)
	}
}
