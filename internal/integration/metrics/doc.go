// Package metrics tests the hooks for metrics on real caches that go through
// everything that hooks are told of, and the files in deploy on a real Prometheus.
package metrics
