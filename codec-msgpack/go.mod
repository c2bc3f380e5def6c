module github.com/unkn0wn-root/cascache/codec-msgpack

go 1.25.0

require (
	github.com/unkn0wn-root/cascache/conformance v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/vmihailenco/msgpack/v5 v5.4.1
	github.com/vmihailenco/tagparser/v2 v2.0.0
)

require github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect

replace (
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
