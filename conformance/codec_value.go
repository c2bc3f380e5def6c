package conformance

import "bytes"

func codecValueRules[V any]() []rule[*codecSubject[V]] {
	return []rule[*codecSubject[V]]{
		{
			name: "ValuesComeBack",
			says: "Decode returns the value that Encode was given.",
			harm: "readers are shown something else than what is in the database.",
			try:  tryValuesComeBack[V],
		},
		{
			name: "ValuesComeBackAtOnce",
			says: "Encode and Decode may be called concurrently.",
			harm: "under load, one reader is shown the value of another.",
			try:  tryValuesComeBackAtOnce[V],
		},
		{
			name: "RefusedIsAnError",
			says: "Encode answers a value that it cannot carry with an error.",
			harm: "a part of the value is gone when it is read from the cache, and nobody is told.",
			needs: func(s *codecSubject[V]) string {
				if s.h.Refused == nil {
					return "the harness gives no Refused values"
				}
				return ""
			},
			try: tryRefusedIsAnError[V],
		},
		{
			name: "ZeroValueIsSafe",
			says: "The zero value is carried, or refused with an error; Encode does not panic on it.",
			harm: "a nil pointer, such as a source returns with an error, takes down the process.",
			try:  tryZeroValueIsSafe[V],
		},
	}
}

func tryValuesComeBack[V any](a *attempt, s *codecSubject[V]) {
	for i, want := range s.h.Values() {
		data, err := s.codec.Encode(want)
		if err != nil {
			a.violated("no error", "Encode of value %d, %s, returned %v", i, show(want), err)
		}
		got, err := s.codec.Decode(bytes.Clone(data))
		if err != nil {
			a.violated("no error", "Decode of what Encode made of value %d, %s, returned %v", i, quote(data), err)
		}
		if !s.equal(got, want) {
			a.violated(show(want), "value %d came back as %s", i, show(got))
		}
	}
}

func tryValuesComeBackAtOnce[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	appends := s.appendsRight()
	const workers, rounds = 8, 100
	a.each(workers, func(w int) {
		values := s.h.Values()
		for n := range rounds {
			i := (w + n) % len(values)
			data, err := s.codec.Encode(values[i])
			if err != nil {
				continue
			}
			got, err := s.codec.Decode(bytes.Clone(data))
			if err != nil {
				a.violated("no error", "while others encode and decode, Decode returned %v", err)
			}
			if !s.equal(got, values[i]) {
				a.violated(show(values[i]), "while others encode and decode, value %d came back as %s", i, show(got))
			}
			if !appends {
				continue
			}
			if data, err = s.appender.AppendEncode(make([]byte, 0, 64), values[i]); err != nil {
				continue
			}
			if got, err := s.codec.Decode(data); err != nil || !s.equal(got, values[i]) {
				a.violated(show(values[i]), "while others encode and decode, value %d, encoded by AppendEncode, came back as %s (%v)", i, show(got), err)
			}
		}
	})
}

// appendsRight reports whether AppendEncode is there, and works as long as
// nobody else calls.
func (s *codecSubject[V]) appendsRight() bool {
	if s.appender == nil {
		return false
	}
	for _, v := range s.h.Values() {
		data, err := s.appender.AppendEncode(nil, v)
		if err != nil {
			return false
		}
		if got, err := s.codec.Decode(data); err != nil || !s.equal(got, v) {
			return false
		}
	}
	return true
}

func tryRefusedIsAnError[V any](a *attempt, s *codecSubject[V]) {
	for i, v := range s.h.Refused() {
		if data, err := s.codec.Encode(v); err == nil {
			a.violated("an error", "Encode of refused value %d, %s, returned %s", i, show(v), quote(data))
		}
		if s.appender == nil {
			continue
		}
		if data, err := s.appender.AppendEncode(nil, v); err == nil {
			a.violated("an error", "AppendEncode of refused value %d, %s, returned %s", i, show(v), quote(data))
		}
	}
}

func tryZeroValueIsSafe[V any](a *attempt, s *codecSubject[V]) {
	var zero V
	data, err := s.codec.Encode(zero)
	if err != nil {
		return
	}
	if _, err := s.codec.Decode(bytes.Clone(data)); err != nil {
		a.violated("a value, or an error of Encode", "Encode made %s of the zero value, and Decode returned %v", quote(data), err)
	}
}
