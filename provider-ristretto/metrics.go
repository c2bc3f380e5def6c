package ristrettoprovider

// Metrics counts what a cache did since it was made. The counters are read one
// after the other, not at one instant.
type Metrics struct {
	Hits, Misses uint64

	KeysAdded   uint64 // new keys stored
	KeysUpdated uint64 // values replaced
	KeysEvicted uint64 // keys removed, for whatever reason
	CostAdded   uint64
	CostEvicted uint64

	SetsDropped  uint64 // new keys declined since the queue was full
	SetsRejected uint64 // new keys accepted, but worth less than what is stored
	GetsKept     uint64 // reads that counted towards the frequency of use
	GetsDropped  uint64 // reads that did not, for want of time
}

// Metrics returns the counters, all 0 unless Config.Metrics is set, and after
// Close.
func (p *Provider) Metrics() Metrics {
	m := p.cache.Metrics
	return Metrics{
		Hits:         m.Hits(),
		Misses:       m.Misses(),
		KeysAdded:    m.KeysAdded(),
		KeysUpdated:  m.KeysUpdated(),
		KeysEvicted:  m.KeysEvicted(),
		CostAdded:    m.CostAdded(),
		CostEvicted:  m.CostEvicted(),
		SetsDropped:  m.SetsDropped(),
		SetsRejected: m.SetsRejected(),
		GetsKept:     m.GetsKept(),
		GetsDropped:  m.GetsDropped(),
	}
}
