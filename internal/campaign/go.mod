module github.com/unkn0wn-root/cascache/internal/campaign

go 1.26.0

require (
	github.com/anishathalye/porcupine v1.3.1
	github.com/redis/go-redis/v9 v9.23.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/genstore-redis v0.0.0
	github.com/unkn0wn-root/cascache/internal/redistest v0.0.0
	github.com/unkn0wn-root/cascache/near-otter v0.0.0
	github.com/unkn0wn-root/cascache/provider-redis v0.0.0
	github.com/unkn0wn-root/cascache/provider-ristretto v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgraph-io/ristretto/v2 v2.4.2 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/maypok86/otter/v2 v2.4.0 // indirect
	github.com/unkn0wn-root/cascache/internal/redisgen v0.0.0 // indirect
	github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/conformance => ../../conformance
	github.com/unkn0wn-root/cascache/core => ../../core
	github.com/unkn0wn-root/cascache/genstore-redis => ../../genstore-redis
	github.com/unkn0wn-root/cascache/internal/redisgen => ../redisgen
	github.com/unkn0wn-root/cascache/internal/redistest => ../redistest
	github.com/unkn0wn-root/cascache/near-otter => ../../near-otter
	github.com/unkn0wn-root/cascache/provider-redis => ../../provider-redis
	github.com/unkn0wn-root/cascache/provider-ristretto => ../../provider-ristretto
	github.com/unkn0wn-root/cascache/wire => ../../wire
)
