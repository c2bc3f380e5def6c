module github.com/unkn0wn-root/cascache/conformance

go 1.25.0
