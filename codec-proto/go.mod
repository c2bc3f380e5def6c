module github.com/unkn0wn-root/cascache/codec-proto

go 1.25.0

tool google.golang.org/protobuf/cmd/protoc-gen-go

require (
	github.com/unkn0wn-root/cascache/conformance v0.0.0
	github.com/unkn0wn-root/cascache/core v0.0.0
	google.golang.org/protobuf v1.36.12
)

require github.com/unkn0wn-root/cascache/wire v0.0.0 // indirect

replace (
	github.com/unkn0wn-root/cascache/conformance => ../conformance
	github.com/unkn0wn-root/cascache/core => ../core
	github.com/unkn0wn-root/cascache/wire => ../wire
)
