package conformance

import "bytes"

func codecMemoryRules[V any]() []rule[*codecSubject[V]] {
	return []rule[*codecSubject[V]]{
		{
			name: "EncodeReusesNothing",
			says: "What Encode returned never changes afterwards: the codec uses that memory for nothing else.",
			harm: "an entry that is being written turns into another one, under load and never in a test.",
			try:  tryEncodeReusesNothing[V],
		},
		{
			name: "EncodeOnlyReads",
			says: "Encode does not change the value.",
			harm: "the caller's value changes under its hands because it was cached.",
			try:  tryEncodeOnlyReads[V],
		},
		{
			name: "DecodeOnlyReads",
			says: "Decode does not change its input, nor the memory behind it.",
			harm: "the provider's copy is corrupted by being read: the first hit works, the second does not.",
			try:  tryDecodeOnlyReads[V],
		},
		{
			name: "DecodeKeepsNothing",
			says: "A decoded value shares no memory with the input, unless the codec's documentation says so.",
			harm: "a caller that changes its value changes the entry, for everyone; and a small value keeps a large entry in memory.",
			lack: OwnedValues,
			try:  tryDecodeKeepsNothing[V],
		},
		{
			name: "DecodedValuesStayApart",
			says: "A decoded value never changes when others are decoded.",
			harm: "a request's value turns into that of another request.",
			try:  tryDecodedValuesStayApart[V],
		},
	}
}

func tryEncodeReusesNothing[V any](a *attempt, s *codecSubject[V]) {
	values := s.h.Values()
	var returned, copies [][]byte
	for range 3 {
		for _, v := range values {
			data, err := s.codec.Encode(v)
			if err != nil {
				continue
			}
			returned, copies = append(returned, data), append(copies, bytes.Clone(data))
			_, _ = s.codec.Decode(bytes.Clone(data))
			if s.appender != nil {
				_, _ = s.appender.AppendEncode(make([]byte, 1, 256), v)
			}
			for i := range returned {
				if !bytes.Equal(returned[i], copies[i]) {
					a.violated("the bytes as they were returned", "the %d bytes that Encode returned %d calls ago have changed%s",
						len(copies[i]), len(returned)-1-i, firstDifference(returned[i], copies[i]))
				}
			}
		}
	}
}

func tryEncodeOnlyReads[V any](a *attempt, s *codecSubject[V]) {
	values, fresh := s.h.Values(), s.h.Values()
	for i := range values {
		if !s.equal(values[i], fresh[i]) {
			a.inconclusive("Values does not return the same values at each call, or Equal does not know them")
		}
		_, _ = s.codec.Encode(values[i])
		if s.appender != nil {
			_, _ = s.appender.AppendEncode(nil, values[i])
		}
		if !s.equal(values[i], fresh[i]) {
			a.violated(show(fresh[i]), "Encode has turned value %d into %s", i, show(values[i]))
		}
	}
}

func tryDecodeOnlyReads[V any](a *attempt, s *codecSubject[V]) {
	try := func(what string, data []byte) {
		const room = 64
		memory := append(bytes.Clone(data), sample("behind", room)...)
		before := bytes.Clone(memory)
		input := memory[:len(data)]
		func() {
			defer func() { _ = recover() }() // see GarbageIsNoPanic
			_, _ = s.codec.Decode(input)
			_, _ = s.codec.Decode(input)
		}()
		if !bytes.Equal(memory, before) {
			a.violated("no change", "Decode of %s, %d bytes, has changed memory of the caller's%s", what, len(data), firstDifference(memory, before))
		}
	}
	for _, e := range s.encodings(a) {
		try("an encoding", e.data)
		try("half an encoding", e.data[:len(e.data)/2])
	}
	try("garbage", sample("garbage", 100))
}

func tryDecodeKeepsNothing[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	values := s.h.Values()
	for _, e := range s.encodings(a) {
		for _, fill := range []byte{0x00, 0xff, 'x'} {
			input := bytes.Clone(e.data)
			got, err := s.codec.Decode(input)
			if err != nil {
				continue
			}
			for i := range input {
				input[i] = fill
			}
			if !s.equal(got, values[e.i]) {
				a.violated(show(values[e.i]), "value %d was decoded, then its input was overwritten, and the value became %s", e.i, show(got))
			}
		}
	}
}

func tryDecodedValuesStayApart[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	values := s.h.Values()
	all := s.encodings(a)
	for _, first := range all {
		// The input stays as it is: this is not about sharing it.
		got, err := s.codec.Decode(first.data)
		if err != nil {
			continue
		}
		for _, second := range all {
			_, _ = s.codec.Decode(second.data)
			_, _ = s.codec.Encode(values[second.i])
			if !s.equal(got, values[first.i]) {
				a.violated(show(values[first.i]), "after value %d was decoded or encoded, value %d, decoded before, became %s", second.i, first.i, show(got))
			}
		}
	}
}
