package cascache

// Wrapper is implemented by a provider, codec, generation store or near tier that wraps
// another one. Since Go's method sets are fixed at compile time, a wrapper
// implements the methods of every ability that it can forward and returns what
// it wraps here: an ability counts only when everything down the chain has it
// (see [AbilityOf]). A wrapper that cannot forward an ability leaves its
// method out.
type Wrapper interface {
	Unwrap() any
}

// AbilityOf reports whether v has the optional ability T, an interface type
// such as [BulkProvider], and returns v as T. A [Wrapper] has an ability if it
// has the methods and what it wraps has the ability too.
func AbilityOf[T any](v any) (T, bool) {
	ability, ok := v.(T)
	if !ok {
		return ability, false
	}
	for {
		w, isWrapper := v.(Wrapper)
		if !isWrapper {
			return ability, true
		}
		v = w.Unwrap()
		if _, ok := v.(T); !ok {
			var none T
			return none, false
		}
	}
}
