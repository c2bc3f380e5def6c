// Package providerredis tests provider-redis on real Redis servers. The tests
// lie here and not in that module, so that the test harness is in nobody's
// module graph.
package providerredis
