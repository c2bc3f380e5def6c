package conformance

// losing returns a case that is tried with each way of losing generations, on
// a store of its own.
func losing(try func(a *attempt, s *genSubject, loss Loss)) func(*attempt, *genSubject) {
	return func(a *attempt, s *genSubject) {
		s.give(a, len(s.h.Losses) > 0, "Losses", Losing)
		for i, loss := range s.h.Losses {
			if i > 0 {
				s = s.another(a)
			}
			try(a, s, loss)
		}
	}
}

// lose draws a few generations for each key, and then loses them. It returns
// all that were seen, by key.
func (s *genSubject) lose(a *attempt, loss Loss, keys []string) map[string][]uint64 {
	seen := make(map[string][]uint64)
	draw := func() {
		for _, key := range keys {
			for range 3 {
				if gen := s.snapshot(a, key); gen != 0 {
					seen[key] = append(seen[key], gen)
				}
				if gen, ok := s.bump(a, key); ok && gen != 0 {
					seen[key] = append(seen[key], gen)
				}
			}
		}
	}
	draw()
	if loss.Prepare != nil {
		loss.Prepare(a, s.s)
	}
	draw()
	loss.Lose(a, s.s)
	return seen
}
