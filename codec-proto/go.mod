module github.com/unkn0wn-root/cascache/codec-proto

go 1.25.0
