package conformance

import "bytes"

func codecAppendRules[V any]() []rule[*codecSubject[V]] {
	needs := func(s *codecSubject[V]) string {
		if s.appender == nil {
			return "the codec is no cascache.AppendEncoder"
		}
		return ""
	}
	return []rule[*codecSubject[V]]{
		{
			name:  "AppendEncodeLeavesThePrefix",
			says:  "AppendEncode leaves the bytes before len(dst) as they are, in dst and in what it returns.",
			harm:  "the header of every entry is overwritten, and nothing can be read back.",
			needs: needs,
			try:   tryAppendEncodeLeavesThePrefix[V],
		},
		{
			name:  "AppendEncodeIsEncode",
			says:  "AppendEncode appends what Encode returns.",
			harm:  "entries that were written in one way cannot be read in the other.",
			needs: needs,
			try:   tryAppendEncodeIsEncode[V],
		},
		{
			name:  "AppendEncodeKeepsNothing",
			says:  "AppendEncode does not use dst or its result once it has returned.",
			harm:  "an entry that is being written turns into another one, under load and never in a test.",
			needs: needs,
			try:   tryAppendEncodeKeepsNothing[V],
		},
	}
}

// prefixes are what AppendEncode may be given: nil, and slices with much,
// little and no room behind them.
func prefixes() [][]byte {
	header := sample("header", 17)
	roomy := append(make([]byte, 0, 8192), header...)
	tight := append(make([]byte, 0, len(header)+1), header...)
	return [][]byte{nil, {}, make([]byte, 0, 8192), roomy, tight, bytes.Clone(header)[:17:17]}
}

func tryAppendEncodeLeavesThePrefix[V any](a *attempt, s *codecSubject[V]) {
	for i, v := range s.h.Values() {
		for _, dst := range prefixes() {
			before := bytes.Clone(dst)
			out, err := s.appender.AppendEncode(dst, v)
			if !bytes.Equal(dst, before) {
				a.violated("no change", "AppendEncode of value %d to %d bytes has changed them%s", i, len(before), firstDifference(dst, before))
			}
			if err == nil && !bytes.HasPrefix(out, before) {
				a.violated("a result that begins with them", "AppendEncode of value %d to the %d bytes %s returned %s", i, len(before), quote(before), quote(out))
			}
		}
	}
}

func tryAppendEncodeIsEncode[V any](a *attempt, s *codecSubject[V]) {
	s.mustRoundTrip(a)
	for i, v := range s.h.Values() {
		want, err := s.codec.Encode(v)
		if err != nil {
			continue // see ValuesComeBack
		}
		for _, dst := range prefixes() {
			n, before := len(dst), bytes.Clone(dst)
			out, err := s.appender.AppendEncode(dst, v)
			if err != nil {
				a.violated("no error, as of Encode", "AppendEncode of value %d to %d bytes returned %v", i, n, err)
			}
			if !bytes.HasPrefix(out, before) {
				a.inconclusive("the prefix is not in the result; see AppendEncodeLeavesThePrefix")
			}
			got, err := s.codec.Decode(bytes.Clone(out[n:]))
			if err != nil || !s.equal(got, v) {
				a.violated(show(v), "what AppendEncode appended for value %d, %s, decodes to %s (%v)", i, quote(out[n:]), show(got), err)
			}
			if len(want) != len(out)-n {
				a.violated("as many", "AppendEncode appended %d bytes for value %d, and Encode returned %d", len(out)-n, i, len(want))
			}
		}
	}
}

func tryAppendEncodeKeepsNothing[V any](a *attempt, s *codecSubject[V]) {
	values := s.h.Values()
	type kept struct{ out, copy []byte }
	var all []kept
	for range 2 {
		for _, v := range values {
			out, err := s.appender.AppendEncode(append(make([]byte, 0, 8192), "header"...), v)
			if err != nil {
				continue
			}
			all = append(all, kept{out, bytes.Clone(out)})
			if data, err := s.codec.Encode(v); err == nil {
				_, _ = s.codec.Decode(data)
			}
			for i, k := range all {
				if !bytes.Equal(k.out, k.copy) {
					a.violated("the bytes as they were returned", "the %d bytes that AppendEncode returned %d calls ago have changed%s",
						len(k.copy), len(all)-1-i, firstDifference(k.out, k.copy))
				}
			}
		}
	}
}
