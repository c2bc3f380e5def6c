module github.com/unkn0wn-root/cascache/provider-bigcache

go 1.25.0
