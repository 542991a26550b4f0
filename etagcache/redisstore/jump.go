package redisstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"proxy409/etagcache"
)

// clockJump is the error of a reply that came from before a jump of the server's clock, or from after it but from an epoch that
// was there before.
type clockJump struct {
	epoch etagcache.EpochID
	by    time.Duration
}

func (j *clockJump) Error() string {
	return fmt.Sprintf("the clock of the server jumped by %v", j.by.Round(time.Millisecond))
}

// goOn makes the store fit to answer after err, if that says that the server is another, or that its clock jumped. It returns
// the server to go on with.
func (s *Store) goOn(ctx context.Context, b *bucket, srv *server, err error) (*server, error) {
	if jump, ok := errors.AsType[*clockJump](err); ok {
		if err = s.endEpoch(ctx, b, srv, jump); err == nil {
			return srv, nil
		}
	}
	if !otherServer(err) {
		return nil, err
	}
	return s.reopen(ctx, b, srv)
}

// endEpoch begins a new epoch in place of the one that a jump of the clock has ended, unless somebody else has done so.
func (s *Store) endEpoch(ctx context.Context, b *bucket, srv *server, jump *clockJump) error {
	node, err := s.topology.master(ctx, b.epochKey)
	if err != nil {
		return err
	}
	r, err := s.openEpoch(ctx, node, b, srv, hex.EncodeToString(jump.epoch[:]))
	if err != nil {
		s.topology.doubt(ctx)
		return fmt.Errorf("%w, and no new epoch could be begun: %w", jump, err)
	}
	if r.Swapped && srv.clock.restart(r) {
		s.reportJump(ctx, b, srv, r.Epoch, jump.by)
	}
	return nil
}

// checkClock is an error if the reading shows that the clock jumped and that its epoch is over by that.
func (s *Store) checkClock(ctx context.Context, b *bucket, srv *server, r reading) error {
	found, by := srv.clock.check(r)
	switch found {
	case jumped:
		return &clockJump{epoch: r.Epoch.ID, by: by}
	case stepped:
		s.reportJump(ctx, b, srv, r.Epoch, by)
	case inStep:
	}
	return nil
}

// reportJump tells of a jump, once in each process that notices, for each bucket.
func (s *Store) reportJump(ctx context.Context, b *bucket, srv *server, epoch etagcache.Epoch, by time.Duration) {
	s.options.Logger.WarnContext(ctx, "the clock of Redis jumped (or this process was paused by its machine): a new epoch has begun,"+
		" in which guarded writes get 503 until the grace period is over. Let NTP slew the clock of the Redis server, not step it",
		"by", by.Round(time.Millisecond), "bucket", b.name, "epoch", hex.EncodeToString(epoch.ID[:]), "run_id", srv.runID)
	if s.options.OnClockJump != nil {
		s.options.OnClockJump(by)
	}
}
