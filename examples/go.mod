module github.com/unkn0wn-root/cascache/examples

go 1.26.0
