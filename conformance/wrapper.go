package conformance

import (
	"fmt"
	"reflect"

	cascache "github.com/unkn0wn-root/cascache/core"
)

// maxChain is how many wrappers may lie around one another. The longest that
// makes sense has a handful.
const maxChain = 64

// unwrapAll returns v and all that it wraps, outermost first, and whether the
// chain has an end.
func unwrapAll(v any) (chain []any, ends bool) {
	for range maxChain {
		chain = append(chain, v)
		w, ok := v.(cascache.Wrapper)
		if !ok {
			return chain, true
		}
		if v = w.Unwrap(); isNil(v) {
			return chain, true
		}
	}
	return chain, false
}

func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// needWrapper returns why the rules on wrappers do not apply to v.
func needWrapper(v any) string {
	if _, ok := v.(cascache.Wrapper); !ok {
		return "it is no cascache.Wrapper"
	}
	return ""
}

// tryUnwrap is the rule that the chain of wrappers is one.
func tryUnwrap(a *attempt, v any) {
	chain, ends := unwrapAll(v)
	if !ends {
		a.violated("what is wrapped, and in the end something that wraps nothing", "after %d calls of Unwrap there is still a wrapper, a %T", maxChain, chain[maxChain-1])
	}
	last := chain[len(chain)-1]
	if w, ok := last.(cascache.Wrapper); ok {
		a.violated("what is wrapped", "Unwrap of a %T returned %v", last, w.Unwrap())
	}
}

// tryKeepsAbility is the rule that a wrapper has the ability T if what it wraps
// has it.
func tryKeepsAbility[T any](a *attempt, v any) {
	chain, ends := unwrapAll(v)
	if !ends || len(chain) < 2 {
		a.inconclusive("there is no end to the wrappers")
	}
	for i := range len(chain) - 1 {
		inner := chain[i+1]
		if _, has := cascache.AbilityOf[T](inner); !has {
			continue
		}
		if _, has := cascache.AbilityOf[T](chain[i]); !has {
			a.violated(fmt.Sprintf("that %T implements it, and forwards it", chain[i]),
				"%T wraps a %T, which has the ability %s, and lacks it", chain[i], inner, reflect.TypeFor[T]().Name())
		}
	}
}
