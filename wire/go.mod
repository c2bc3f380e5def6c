module github.com/unkn0wn-root/cascache/wire

go 1.25.0
