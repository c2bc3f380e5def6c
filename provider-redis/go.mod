module github.com/unkn0wn-root/cascache/provider-redis

go 1.26.0
