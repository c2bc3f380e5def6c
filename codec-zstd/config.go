package zstdcodec

import (
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"
)

// The defaults of the zero fields of [Config].
const (
	DefaultLevel      = Fastest
	DefaultMinSize    = 512
	DefaultMaxDecoded = 64 << 20
)

// Config says how to compress. The zero value is ready to use.
type Config struct {
	// Level trades the time and memory of Encode for size; Decode is hardly
	// slower for any of them, and reads all. 0 means DefaultLevel.
	Level Level

	// MinSize is the size in bytes from which payloads are compressed. 0
	// means DefaultMinSize: JSON of that size shrinks to 57 %, half of it
	// only to 75 %, and a read pays some microseconds either way
	// (BenchmarkEncode and BenchmarkDecode report both). 1 tries all. What
	// shrinks by less than an eighth is stored as it is, whatever its size.
	MinSize int

	// MaxDecoded is the size in bytes that a payload may have before it is
	// compressed: Encode and Decode refuse larger ones with an error that
	// wraps cascache.ErrValueTooLarge. 1 to 2,147,483,647, 0 means
	// DefaultMaxDecoded.
	MaxDecoded int
}

// A Level is how hard Encode tries.
type Level int

// The levels. They are those of github.com/klauspost/compress.
const (
	Fastest  Level = iota + 1 // like level 1 of the zstd program
	Balanced                  // like level 3
	Better                    // like level 7
	Best                      // like level 11, and much slower
)

// String returns the name of the level.
func (l Level) String() string {
	if l < Fastest || l > Best {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return [...]string{"Fastest", "Balanced", "Better", "Best"}[l-Fastest]
}

func (l Level) option() zstd.EOption {
	return zstd.WithEncoderLevel([...]zstd.EncoderLevel{
		zstd.SpeedFastest, zstd.SpeedDefault, zstd.SpeedBetterCompression, zstd.SpeedBestCompression,
	}[l-Fastest])
}

// withDefaults returns cfg with its zero fields filled in, or an error that
// names the first field out of range.
func (cfg Config) withDefaults() (Config, error) {
	if cfg.Level == 0 {
		cfg.Level = DefaultLevel
	}
	if cfg.Level < Fastest || cfg.Level > Best {
		return cfg, fmt.Errorf("zstdcodec: Config.Level is %d, must be 0 (meaning %v) or from %d (%v) to %d (%v)",
			cfg.Level, DefaultLevel, Fastest, Fastest, Best, Best)
	}
	for _, field := range []struct {
		name     string
		value    *int
		fallback int
	}{
		{"MinSize", &cfg.MinSize, DefaultMinSize},
		{"MaxDecoded", &cfg.MaxDecoded, DefaultMaxDecoded},
	} {
		if *field.value < 0 || *field.value > math.MaxInt32 {
			return cfg, fmt.Errorf("zstdcodec: Config.%s is %d, must be 0 (meaning %d) or from 1 to %d",
				field.name, *field.value, field.fallback, math.MaxInt32)
		}
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	return cfg, nil
}
