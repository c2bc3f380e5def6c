module github.com/unkn0wn-root/cascache/codec-cbor

go 1.25.0

require (
	github.com/fxamacker/cbor/v2 v2.10.0
	github.com/unkn0wn-root/cascache/conformance v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
)

require (
	github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect
	github.com/x448/float16 v0.8.4 // indirect
)

replace (
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
