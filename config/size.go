package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// ByteSize is a number of bytes.
type ByteSize int64

// The binary units; a file may also say KB, MB and GB, which are decimal.
const (
	KiB ByteSize = 1 << 10
	MiB ByteSize = 1 << 20
	GiB ByteSize = 1 << 30
)

// sizeUnits has the longer suffixes first, since B ends them all.
var sizeUnits = []struct {
	suffix string
	size   ByteSize
}{
	{"GiB", GiB},
	{"MiB", MiB},
	{"KiB", KiB},
	{"GB", 1e9},
	{"MB", 1e6},
	{"KB", 1e3},
	{"B", 1},
	{"", 1},
}

// String is the size in the largest binary unit that divides it, as a file may say it.
func (b ByteSize) String() string {
	for _, unit := range sizeUnits[:3] {
		if b != 0 && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

func byteSize(text string) (ByteSize, error) {
	for _, unit := range sizeUnits {
		digits, ok := strings.CutSuffix(text, unit.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 63)
		if err != nil || ByteSize(n) > math.MaxInt64/unit.size {
			break
		}
		return ByteSize(n) * unit.size, nil
	}
	return 0, errors.New("is not a size; write it as 16MiB, 32KiB, 10MB or a number of bytes")
}
