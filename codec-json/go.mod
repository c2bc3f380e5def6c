module github.com/unkn0wn-root/cascache/codec-json

go 1.25.0
