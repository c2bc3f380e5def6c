module github.com/unkn0wn-root/cascache/provider-ristretto

go 1.25.0

require (
	github.com/dgraph-io/ristretto/v2 v2.4.2
	github.com/unkn0wn-root/cascache/conformance v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/dustin/go-humanize v1.0.1 // indirect
	github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect
	golang.org/x/sys v0.36.0 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
