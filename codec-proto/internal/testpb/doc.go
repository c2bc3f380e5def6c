// Package testpb holds the messages of this module's tests. The generated files
// are made by `go generate`, with protoc 3.21 in the path (of Debian's packages
// protobuf-compiler and libprotobuf-dev) and the protoc-gen-go that go.mod names.
package testpb

//go:generate sh -c "protoc --plugin=protoc-gen-go=$(GOWORK=off go tool -n protoc-gen-go) --go_out=. --go_opt=paths=source_relative user.proto legacy.proto"
