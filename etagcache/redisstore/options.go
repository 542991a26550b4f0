package redisstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Defaults of [Options].
const (
	DefaultPrefix  = "proxy409"
	DefaultTimeout = 300 * time.Millisecond
)

// Mode says what answers at [Options.URL].
type Mode string

// The modes.
const (
	Single   Mode = "single"   // one server, or a managed one whose name always leads to the master
	Cluster  Mode = "cluster"  // Redis Cluster
	Sentinel Mode = "sentinel" // Sentinels, which are asked for the master
)

// Options is the configuration of a [Store].
type Options struct {
	// URL says where Redis is, in the form that go-redis parses. Needed.
	//
	//	single     redis://user:password@host:6379/0, rediss:// with TLS, unix://user:password@/path/to.sock?db=0
	//	cluster    redis://user:password@host1:6379?addr=host2:6379&addr=host3:6379
	//	sentinel   redis://host1:26379/0?master_name=mymaster&addr=host2:26379&username=user&password=password
	//
	// With Sentinel the user and password before the @ are the Sentinels' own; those of Redis are parameters. A
	// password is percent-encoded. Parameters such as pool_size are as in redis.ParseURL; those about time-outs,
	// retries and routing to replicas are overruled.
	URL string

	// TLS makes the handshake with each server at a rediss:// URL, nodes of a cluster and Sentinels included. It must do so
	// within the time of its context. Other URLs have nothing to do with it. Nil: crypto/tls does, by the authorities that the
	// system trusts, with TLS 1.2 or later.
	TLS Handshake

	Mode   Mode         // default Single
	Prefix string       // what all keys begin with, without braces; default DefaultPrefix
	Logger *slog.Logger // told when an epoch begins; nil: nobody is told
	// Timeout bounds each operation as a whole: the wait for a connection, dialing, identifying a new server and WAIT
	// included. A context that is cancelled in the middle does not cut an operation short; its deadline does. Default
	// DefaultTimeout.
	Timeout time.Duration

	// WaitReplicas is how many replicas must have acknowledged a swap before it counts as done. With 0 a failover may
	// lose one that was confirmed, though the grace period of the new epoch covers that. Default 0.
	WaitReplicas int

	// Clock is elapsed time since any fixed moment, by which a jump of the server's clock is noticed (see the package
	// comment). Nil: CLOCK_BOOTTIME on Linux, elsewhere the monotonic clock of package time.
	Clock func() time.Duration
	// OnClockJump is told of a jump of the server's clock, and how far: once in each process that notices, in a
	// cluster once for each bucket. Nil: nobody is told but the Logger.
	OnClockJump func(by time.Duration)
}

func (o Options) withDefaults() (Options, error) {
	o.Mode = cmp.Or(o.Mode, Single)
	o.Prefix = cmp.Or(o.Prefix, DefaultPrefix)
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = elapsedTime()
	}
	var errs []error
	if o.URL == "" {
		errs = append(errs, errors.New("redisstore: URL is needed, such as redis://localhost:6379/0"))
	}
	if strings.ContainsAny(o.Prefix, "{} \r\n\t") {
		errs = append(errs, fmt.Errorf("redisstore: Prefix %q must be without braces (they choose the cluster slot) and blanks", o.Prefix))
	}
	if o.Timeout < time.Millisecond {
		errs = append(errs, fmt.Errorf("redisstore: Timeout is %v, must be at least 1ms", o.Timeout))
	}
	if o.WaitReplicas < 0 {
		errs = append(errs, fmt.Errorf("redisstore: WaitReplicas is %d, must not be negative", o.WaitReplicas))
	}
	return o, errors.Join(errs...)
}

// dial makes the client, which connects when it is first used.
func (o Options) dial() (topology, error) {
	if u, err := url.Parse(o.URL); err == nil && u.Fragment != "" {
		return nil, badURL(errors.New("it has a fragment (#)"))
	}
	switch o.Mode {
	case Single:
		c, err := redis.ParseURL(o.URL)
		if err != nil {
			return nil, badURL(err)
		}
		if c.Dialer, err = o.dialer(c.TLSConfig); err != nil {
			return nil, err
		}
		return single{redis.NewClient(o.tame(c))}, nil
	case Cluster:
		c, err := redis.ParseClusterURL(o.URL)
		if err != nil {
			return nil, badURL(err)
		}
		c.ReadOnly, c.RouteByLatency, c.RouteRandomly = false, false, false
		if c.Dialer, err = o.dialer(c.TLSConfig); err != nil {
			return nil, err
		}
		c.NewClient = func(n *redis.Options) *redis.Client { return redis.NewClient(o.tame(n)) }
		return cluster{redis.NewClusterClient(c)}, nil
	case Sentinel:
		return o.dialSentinel()
	default:
		return nil, fmt.Errorf("redisstore: Mode is %q, must be single, cluster or sentinel", o.Mode)
	}
}

func (o Options) dialSentinel() (topology, error) {
	c, err := redis.ParseFailoverURL(o.URL)
	if err != nil {
		return nil, badURL(err)
	}
	if c.MasterName == "" {
		return nil, badURL(errors.New("it has no master_name parameter, which mode sentinel needs"))
	}
	c.RouteByLatency, c.RouteRandomly, c.ReplicaOnly = false, false, false // the first two would panic
	if c.Dialer, err = o.dialer(c.TLSConfig); err != nil {
		return nil, err
	}
	var t redis.Options
	o.tame(&t)
	c.Protocol, c.MaxRetries, c.DialerRetries = t.Protocol, t.MaxRetries, t.DialerRetries
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = t.DialTimeout, t.ReadTimeout, t.WriteTimeout, t.PoolTimeout
	c.ContextTimeoutEnabled, c.DisableIdentity, c.PipelinePoolSize = t.ContextTimeoutEnabled, t.DisableIdentity, t.PipelinePoolSize
	return single{redis.NewFailoverClient(c)}, nil
}

// tame takes from a client everything that would repeat a command or outlast the time-out.
func (o Options) tame(c *redis.Options) *redis.Options {
	c.Protocol = 2 // no pushes: nothing but replies is ever read
	c.MaxRetries = -1
	c.DialerRetries = 1
	c.DialTimeout, c.ReadTimeout, c.WriteTimeout, c.PoolTimeout = o.Timeout, o.Timeout, o.Timeout, o.Timeout
	c.ContextTimeoutEnabled = true
	c.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	c.DisableIdentity = true // CLIENT SETINFO would need a permission of its own
	c.PipelinePoolSize = -1  // no pool beside the pool
	return c
}

// badURL keeps the password out of the error. A URL that is parsed wrongly because its password is not percent-encoded
// shows a piece of it in the error, but then the @ that ends the password is in that piece.
func badURL(cause error) error {
	var parse *url.Error
	if errors.As(cause, &parse) || strings.Contains(cause.Error(), "@") {
		cause = errors.New("it cannot be parsed; are the user and password percent-encoded?")
	}
	text, quoted, _ := strings.Cut(strings.TrimPrefix(cause.Error(), "redis: "), ": ")
	if quoted != "" { // what is no parameter may be the end of a password with an & in it
		cause = errors.New(text + " (not shown, for there may be a password in it)")
	}
	return fmt.Errorf("redisstore: URL: %w", cause)
}

// LogDriver sends what go-redis logs by itself (mostly that it could not connect) to logger, at debug level. go-redis has
// one logger for the whole process, so this is for the program to call, once, and not for a library.
func LogDriver(logger *slog.Logger) { redis.SetLogger(driverLogger{logger}) }

type driverLogger struct{ *slog.Logger }

func (l driverLogger) Printf(ctx context.Context, format string, v ...any) {
	l.DebugContext(ctx, "go-redis", "message", discreetly(fmt.Errorf(format, v...)).Error())
}
