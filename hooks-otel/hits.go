package otelhooks

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/metric"
)

// hits counts hits. A counter of the SDK takes longer than many a hit, so the hook
// adds to a number, which is observed when the metrics are collected.
type hits struct {
	known sync.Map // namespace: *hitsOf
}

// hitsOf are the hits of one namespace.
type hitsOf struct {
	single, bulk     atomic.Int64
	ofSingle, ofBulk metric.ObserveOption // their attributes
}

func (h *hits) of(namespace string) *hitsOf {
	got, ok := h.known.Load(namespace)
	if !ok {
		got, _ = h.known.LoadOrStore(namespace, &hitsOf{
			ofSingle: metric.WithAttributeSet(labels{namespace: namespace, entry: single}.set()),
			ofBulk:   metric.WithAttributeSet(labels{namespace: namespace, entry: bulk}.set()),
		})
	}
	return got.(*hitsOf)
}

// register has the hits observed as the instrument.
func (h *hits) register(meter metric.Meter, counter metric.Int64ObservableCounter) error {
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		h.known.Range(func(_, value any) bool {
			n := value.(*hitsOf)
			o.ObserveInt64(counter, n.single.Load(), n.ofSingle)
			o.ObserveInt64(counter, n.bulk.Load(), n.ofBulk)
			return true
		})
		return nil
	}, counter)
	return err
}
