package proxy

const (
	Replayed            Decision = "replayed"
	IdempotencyMissing           = "missing"
	IdempotencyReused            = "reused"
	IdempotencyInDoubt           = "in_doubt"
	IdempotencyReplayed          = "replayed"
)
func (w *write) zzIdempotency(a, b string) {}
