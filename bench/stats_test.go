package main

import "testing"

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		sample []float64
		want   spread
	}{
		"nothing":    {nil, spread{}},
		"one":        {[]float64{3}, spread{3, 3, 3}},
		"five":       {[]float64{5, 1, 4, 2, 3}, spread{3, 2, 4}},
		"in between": {[]float64{1, 2}, spread{1.5, 1.25, 1.75}},
	} {
		if got := spreadOf(c.sample); got != c.want {
			t.Errorf("a spread must be the median and the quartiles (%s): got %v, want %v", name, got, c.want)
		}
	}
}
