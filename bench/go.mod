module github.com/unkn0wn-root/cascache/bench

go 1.26.0

require (
	github.com/allegro/bigcache/v3 v3.1.0
	github.com/dgraph-io/ristretto/v2 v2.4.2
	github.com/go-redis/cache/v9 v9.0.0
	github.com/maypok86/otter/v2 v2.4.0
	github.com/redis/go-redis/v9 v9.23.0
	github.com/redis/rueidis v1.0.78
	github.com/unkn0wn-root/cascache/backend-redis v0.0.0
	github.com/unkn0wn-root/cascache/codec-cbor v0.0.0
	github.com/unkn0wn-root/cascache/codec-json v0.0.0
	github.com/unkn0wn-root/cascache/codec-msgpack v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/genstore-lease v0.0.0
	github.com/unkn0wn-root/cascache/genstore-redis v0.0.0
	github.com/unkn0wn-root/cascache/near-otter v0.0.0
	github.com/unkn0wn-root/cascache/provider-bigcache v0.0.0
	github.com/unkn0wn-root/cascache/provider-redis v0.0.0
	github.com/unkn0wn-root/cascache/provider-ristretto v0.0.0
	github.com/unkn0wn-root/cascache/wire v0.0.0
	github.com/viccon/sturdyc v1.1.5
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/fxamacker/cbor/v2 v2.10.0 // indirect
	github.com/klauspost/compress v1.13.6 // indirect
	github.com/unkn0wn-root/cascache/internal/redisgen v0.0.0 // indirect
	github.com/vmihailenco/go-tinylfu v0.2.2 // indirect
	github.com/vmihailenco/msgpack/v5 v5.4.1 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sync v0.1.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/backend-redis => ../backend-redis
	github.com/unkn0wn-root/cascache/codec-cbor => ../codec-cbor
	github.com/unkn0wn-root/cascache/codec-json => ../codec-json
	github.com/unkn0wn-root/cascache/codec-msgpack => ../codec-msgpack
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/genstore-lease => ../genstore-lease
	github.com/unkn0wn-root/cascache/genstore-redis => ../genstore-redis
	github.com/unkn0wn-root/cascache/internal/redisgen => ../internal/redisgen
	github.com/unkn0wn-root/cascache/near-otter => ../near-otter
	github.com/unkn0wn-root/cascache/provider-bigcache => ../provider-bigcache
	github.com/unkn0wn-root/cascache/provider-redis => ../provider-redis
	github.com/unkn0wn-root/cascache/provider-ristretto => ../provider-ristretto
	github.com/unkn0wn-root/cascache/wire => ../wire
)
