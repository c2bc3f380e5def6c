package redisgen

import (
	_ "embed"
	"strings"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed scripts/prelude.lua
	prelude string
	//go:embed scripts/current.lua
	currentSource string
	//go:embed scripts/currents.lua
	currentsSource string
	//go:embed scripts/snapshot.lua
	snapshotSource string
	//go:embed scripts/bump.lua
	bumpSource string
	//go:embed scripts/hold.lua
	holdSource string
	//go:embed scripts/release.lua
	releaseSource string
)

// script is a Lua script and the operation that errors name it by.
type script struct {
	op     string
	source string
	hash   string
}

func newScript(op, source string) *script {
	return &script{op: op, source: source, hash: redis.NewScript(source).Hash()}
}

// Creating makes the server refuse a script while memory is short, unlike the
// others: a generation that is only created serves a fill, and the fill finds no
// room either.
func Creating(source string) string {
	return strings.Replace(source, "#!lua flags=allow-oom\n", "#!lua\n", 1)
}

var (
	currentScript  = newScript("current", currentSource)
	currentsScript = newScript("current", currentsSource)
	snapshotScript = newScript("snapshot", Creating(prelude+snapshotSource))
	bumpScript     = newScript("bump", prelude+bumpSource)
	holdScript     = newScript("hold", prelude+holdSource)
	releaseScript  = newScript("release", prelude+releaseSource)
)
