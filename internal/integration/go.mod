module github.com/unkn0wn-root/cascache/internal/integration

go 1.26.0

require (
	github.com/prometheus/client_golang v1.24.1
	github.com/redis/go-redis/v9 v9.23.0
	github.com/unkn0wn-root/cascache/backend-redis v0.0.0
	github.com/unkn0wn-root/cascache/codec-aead v0.0.0
	github.com/unkn0wn-root/cascache/codec-cbor v0.0.0
	github.com/unkn0wn-root/cascache/codec-json v0.0.0
	github.com/unkn0wn-root/cascache/codec-msgpack v0.0.0
	github.com/unkn0wn-root/cascache/codec-proto v0.0.0
	github.com/unkn0wn-root/cascache/codec-zstd v0.0.0
	github.com/unkn0wn-root/cascache/conformance v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/genstore-lease v0.0.0
	github.com/unkn0wn-root/cascache/genstore-redis v0.0.0
	github.com/unkn0wn-root/cascache/hooks-otel v0.0.0
	github.com/unkn0wn-root/cascache/hooks-prometheus v0.0.0
	github.com/unkn0wn-root/cascache/internal/redisgen v0.0.0
	github.com/unkn0wn-root/cascache/internal/redistest v0.0.0
	github.com/unkn0wn-root/cascache/provider-bigcache v0.0.0
	github.com/unkn0wn-root/cascache/provider-redis v0.0.0
	github.com/unkn0wn-root/cascache/provider-ristretto v0.0.0
	github.com/unkn0wn-root/cascache/wire v0.0.0
	go.opentelemetry.io/otel v1.46.0
	go.opentelemetry.io/otel/sdk/metric v1.46.0
	go.opentelemetry.io/otel/trace v1.46.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/allegro/bigcache/v3 v3.1.0 // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgraph-io/ristretto/v2 v2.4.2 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/go-logr/logr v1.4.4 // indirect
	github.com/go-logr/stdr v1.2.2 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	github.com/prometheus/common v0.70.1 // indirect
	github.com/prometheus/procfs v0.21.1 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.opentelemetry.io/auto/sdk v1.2.1 // indirect
	go.opentelemetry.io/otel/metric v1.46.0 // indirect
	go.opentelemetry.io/otel/sdk v1.46.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/backend-redis => ../../backend-redis
	github.com/unkn0wn-root/cascache/codec-aead => ../../codec-aead
	github.com/unkn0wn-root/cascache/codec-cbor => ../../codec-cbor
	github.com/unkn0wn-root/cascache/codec-json => ../../codec-json
	github.com/unkn0wn-root/cascache/codec-msgpack => ../../codec-msgpack
	github.com/unkn0wn-root/cascache/codec-proto => ../../codec-proto
	github.com/unkn0wn-root/cascache/codec-zstd => ../../codec-zstd
	github.com/unkn0wn-root/cascache/conformance => ../../conformance
	github.com/unkn0wn-root/cascache/core => ../../core
	github.com/unkn0wn-root/cascache/genstore-lease => ../../genstore-lease
	github.com/unkn0wn-root/cascache/genstore-redis => ../../genstore-redis
	github.com/unkn0wn-root/cascache/hooks-otel => ../../hooks-otel
	github.com/unkn0wn-root/cascache/hooks-prometheus => ../../hooks-prometheus
	github.com/unkn0wn-root/cascache/internal/redisgen => ../redisgen
	github.com/unkn0wn-root/cascache/internal/redistest => ../redistest
	github.com/unkn0wn-root/cascache/provider-bigcache => ../../provider-bigcache
	github.com/unkn0wn-root/cascache/provider-redis => ../../provider-redis
	github.com/unkn0wn-root/cascache/provider-ristretto => ../../provider-ristretto
	github.com/unkn0wn-root/cascache/wire => ../../wire
)
