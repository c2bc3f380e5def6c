package faults

import (
	"context"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// A Codec is another codec with faults: those of any call, and of Decode also
// [Tear] and [Flip]. It is a cascache.AppendEncoder if the other one is. Since
// a codec has no context, a call that hangs waits for [Script.Release].
type Codec[V any] struct {
	inner  cascache.Codec[V]
	script *Script
}

// NewCodec returns inner with the faults of script. It panics if either is nil.
func NewCodec[V any](inner cascache.Codec[V], script *Script) *Codec[V] {
	checkInner("NewCodec", inner, script)
	return &Codec[V]{inner: inner, script: script}
}

// Unwrap implements [cascache.Wrapper].
func (c *Codec[V]) Unwrap() any { return c.inner }

// Encode implements [cascache.Codec].
func (c *Codec[V]) Encode(value V) ([]byte, error) {
	return encode(c.script, func() ([]byte, error) { return c.inner.Encode(value) })
}

// AppendEncode implements [cascache.AppendEncoder].
func (c *Codec[V]) AppendEncode(dst []byte, value V) ([]byte, error) {
	return encode(c.script, func() ([]byte, error) {
		if appender, ok := cascache.AbilityOf[cascache.AppendEncoder[V]](c.inner); ok {
			return appender.AppendEncode(dst, value)
		}
		data, err := c.inner.Encode(value)
		return append(dst, data...), err
	})
}

func encode(script *Script, carryOut func() ([]byte, error)) ([]byte, error) {
	faults := script.decide(Encode, "")
	if err := script.before(context.Background(), faults, Encode, ""); err != nil {
		return nil, err
	}
	data, err := carryOut()
	if err == nil {
		err = lost(faults, Encode, "")
	}
	return data, err
}

// Decode implements [cascache.Codec].
func (c *Codec[V]) Decode(data []byte) (V, error) {
	faults := c.script.decide(Decode, "", Tear, Flip)
	var none V
	if err := c.script.before(context.Background(), faults, Decode, ""); err != nil {
		return none, err
	}
	value, err := c.inner.Decode(damage(faults, data))
	if err != nil {
		return none, err
	}
	if err := lost(faults, Decode, ""); err != nil {
		return none, err
	}
	return value, nil
}
