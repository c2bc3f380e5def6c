module github.com/unkn0wn-root/cascache/codec-cbor

go 1.25.0
