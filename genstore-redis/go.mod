module github.com/unkn0wn-root/cascache/genstore-redis

go 1.26.0
