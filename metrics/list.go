package metrics

import "slices"

// Info describes one metric, as the README's table of metrics shows it.
type Info struct {
	Name   string   // starts with proxy409_; in base units, the unit last; counters end in _total
	Type   string   // counter, gauge or histogram; a histogram is both a native and a classic one
	Labels []string // in the order in which they are documented; nil: none
	Help   string   // one sentence
}

// The types of [Info].
const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// The one table of all metrics: New builds them from it, List shows it.
var (
	decisionsInfo = Info{
		"proxy409_decisions_total", counter,
		[]string{"route", "mode", "decision", "reason"},
		"Unsafe requests by what became of them, and why.",
	}
	requestsInfo = Info{
		"proxy409_requests_total", counter,
		[]string{"route", "method", "code"},
		"Requests answered, by method and class of the status code.",
	}
	requestDurationInfo = Info{
		"proxy409_request_duration_seconds", histogram,
		[]string{"route"},
		"Whole time of a request, from its arrival to the end of its answer.",
	}
	upstreamDurationInfo = Info{
		"proxy409_upstream_duration_seconds", histogram,
		[]string{"route"},
		"Part of a request's time spent waiting for the backend, probes included; requests the backend never saw are left out.",
	}
	addedLatencyInfo = Info{
		"proxy409_added_latency_seconds", histogram,
		[]string{"route"},
		"Part of the time until an answer's header left that was not spent waiting for the backend.",
	}
	storeOperationsInfo = Info{
		"proxy409_store_operations_total", counter,
		[]string{"operation", "outcome"},
		"Operations on the store; lost is a swap that found another value or another epoch.",
	}
	storeDurationInfo = Info{
		"proxy409_store_operation_duration_seconds", histogram,
		[]string{"operation"},
		"Time of an operation on the store, failed ones included.",
	}
	storeUpInfo = Info{
		"proxy409_store_up", gauge, nil,
		"Whether the store answers: 1 if the latest read and the latest swap did, else 0.",
	}
	graceInfo = Info{
		"proxy409_store_grace_seconds", gauge, nil,
		"How long guarded writes are refused yet because the store began anew; 0 when they are judged.",
	}
	clockJumpsInfo = Info{
		"proxy409_store_clock_jumps_total", counter, nil,
		"Times the store's clock was found to be set; each begins a grace period.",
	}
	warningsInfo = Info{
		"proxy409_store_warnings", gauge, nil,
		"Ways in which the store is not set up as the guarantees need it, as it may evict records; the log names them.",
	}
	unlikeInfo = Info{
		"proxy409_unlike_replicas", gauge, nil,
		"Replicas over the same store whose key settings are not this one's; those that came later refuse guarded writes.",
	}
	heldInfo = Info{
		"proxy409_held_bytes", gauge, nil,
		"Bytes of request bodies and of answers' content that are held in memory; limits.held bounds them.",
	}
	writesInFlightInfo = Info{
		"proxy409_writes_in_flight", gauge, nil,
		"Writes that hold a lease now.",
	}
	endedInfo = Info{
		"proxy409_writes_ended_total", counter,
		[]string{"route", "outcome"},
		"Writes that held a lease, by what is known of them; doubt closes the resource for timeouts.settle.",
	}
	leasesExpiredInfo = Info{
		"proxy409_leases_expired_total", counter,
		[]string{"route"},
		"Leases that ran out before their owner said what became of the write.",
	}
	driftInfo = Info{
		"proxy409_drift_total", counter,
		[]string{"route"},
		"Changes that the backend showed though nobody wrote through the proxy.",
	}
	unwrittenInfo = Info{
		"proxy409_records_unwritten_total", counter,
		[]string{"route"},
		"Writes whose outcome could not be recorded; the resource stays closed until the lease has run out.",
	}
	unguardedInfo = Info{
		"proxy409_unguarded_writes_total", counter,
		[]string{"route"},
		"Unsafe requests sent to the backend although the store could not take note of them.",
	}
	malformedInfo = Info{
		"proxy409_malformed_etags_total", counter,
		[]string{"route"},
		"Answers of the backend whose ETag is none, or more than one.",
	}
	unversionedInfo = Info{
		"proxy409_unversioned_answers_total", counter,
		[]string{"route", "cause"},
		"Answers of the backend that describe a resource and show no version of it, by why not; writes to it are refused.",
	}
	probesInfo = Info{
		"proxy409_probes_total", counter,
		[]string{"route", "outcome"},
		"Times the backend was asked for a resource's present version, by what it showed.",
	}
	rulesInfo = Info{
		"proxy409_rules_total", counter,
		[]string{"route", "rule", "outcome"},
		"Rules that were decided, by outcome.",
	}
	idempotencyInfo = Info{
		"proxy409_idempotency_total", counter,
		[]string{"route", "outcome"},
		"Requests with an Idempotency-Key, and those without one where it is required, by what the key said.",
	}
	historyInfo = Info{
		"proxy409_history_total", counter,
		[]string{"route", "outcome"},
		"Earlier versions of resources that were to be kept, and those that a stale write was made from, by outcome.",
	}
	refusedInfo = Info{
		"proxy409_connections_refused_total", counter,
		[]string{"cause"},
		"Clients' connections that were closed for HTTP/1 framing that others could read differently, or whose TLS handshake failed.",
	}
	certificateInfo = Info{
		"proxy409_certificate_expiry_timestamp_seconds", gauge,
		[]string{"section"},
		"When the first certificate of the chain in use expires, in seconds since 1970, by the section of the configuration; +Inf where it names none.",
	}
	buildInfo = Info{
		"proxy409_build_info", gauge,
		[]string{"version", "revision", "goversion"},
		"Always 1; the labels say which build this is.",
	}
)

// List returns every metric of this package, the most important first. The caller may change what it gets.
func List() []Info {
	all := []Info{
		decisionsInfo, requestsInfo, requestDurationInfo, upstreamDurationInfo, addedLatencyInfo,
		storeOperationsInfo, storeDurationInfo, storeUpInfo, graceInfo, clockJumpsInfo, warningsInfo, unlikeInfo,
		heldInfo, writesInFlightInfo, endedInfo, leasesExpiredInfo, driftInfo, unwrittenInfo, unguardedInfo, malformedInfo, unversionedInfo, probesInfo,
		rulesInfo, idempotencyInfo, historyInfo, refusedInfo, certificateInfo, buildInfo,
	}
	for i := range all {
		all[i].Labels = slices.Clone(all[i].Labels)
	}
	return all
}
