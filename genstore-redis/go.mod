module github.com/unkn0wn-root/cascache/genstore-redis

go 1.26.0

require (
	github.com/redis/go-redis/v9 v9.23.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/internal/redisgen v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect
	go.uber.org/atomic v1.12.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/internal/redisgen => ../internal/redisgen
	github.com/unkn0wn-root/cascache/wire => ../wire
)
