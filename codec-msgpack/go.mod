module github.com/unkn0wn-root/cascache/codec-msgpack

go 1.25.0
