module github.com/unkn0wn-root/cascache/examples

go 1.26.0

require (
	github.com/chromedp/cdproto v0.159.0
	github.com/chromedp/chromedp v0.23.0
	github.com/go-redis/cache/v9 v9.0.0
	github.com/redis/go-redis/v9 v9.23.0
	github.com/redis/rueidis v1.0.78
	github.com/redis/rueidis/rueidisaside v1.0.78
	github.com/unkn0wn-root/cascache/backend-redis v0.0.0
	github.com/unkn0wn-root/cascache/codec-json v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/genstore-lease v0.0.0
	github.com/unkn0wn-root/cascache/genstore-redis v0.0.0
	github.com/unkn0wn-root/cascache/internal/redistest v0.0.0
	github.com/unkn0wn-root/cascache/provider-redis v0.0.0
	github.com/unkn0wn-root/cascache/provider-ristretto v0.0.0
	github.com/viccon/sturdyc v1.1.5
	golang.org/x/sync v0.24.0
	modernc.org/sqlite v1.61.1
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dgraph-io/ristretto/v2 v2.4.2 // indirect
	github.com/dustin/go-humanize v1.1.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.13.6 // indirect
	github.com/mattn/go-isatty v0.0.24 // indirect
	github.com/ncruces/go-strftime v1.1.0 // indirect
	github.com/remyoudompheng/bigfft v0.0.0-20230129092748-24d4a6f8daec // indirect
	github.com/unkn0wn-root/cascache/internal/redisgen v0.0.0 // indirect
	github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect
	github.com/vmihailenco/go-tinylfu v0.2.2 // indirect
	github.com/vmihailenco/msgpack/v5 v5.3.4 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	modernc.org/libc v1.79.0 // indirect
	modernc.org/mathutil v1.7.1 // indirect
	modernc.org/memory v1.12.1 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/backend-redis => ../backend-redis
	github.com/unkn0wn-root/cascache/codec-json => ../codec-json
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/genstore-lease => ../genstore-lease
	github.com/unkn0wn-root/cascache/genstore-redis => ../genstore-redis
	github.com/unkn0wn-root/cascache/internal/redisgen => ../internal/redisgen
	github.com/unkn0wn-root/cascache/internal/redistest => ../internal/redistest
	github.com/unkn0wn-root/cascache/provider-redis => ../provider-redis
	github.com/unkn0wn-root/cascache/provider-ristretto => ../provider-ristretto
	github.com/unkn0wn-root/cascache/wire => ../wire
)
