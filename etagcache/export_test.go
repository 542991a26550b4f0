package etagcache

import "encoding/binary"

// KnownValue is a record, as it is stored, that knows so many validators and has so many retired.
func KnownValue(epoch EpochID, key Key, validators, retired int) []byte {
	r := Record{State: Known, Seq: 1, Version: Version(key[:12])}
	digest := func(kind, i int) Digest {
		return DigestOf(string(key[:]), string(binary.BigEndian.AppendUint64(nil, uint64(kind<<32+i))))
	}
	for i := range validators {
		r.Validators = append(r.Validators, Validator{Tag: digest(0, i), Rep: digest(1, i)})
	}
	for i := range retired {
		r.Retired = append(r.Retired, digest(2, i))
	}
	return encode(r, epoch)
}
