module github.com/unkn0wn-root/cascache/internal/consumer

go 1.26.0
