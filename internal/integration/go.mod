module github.com/unkn0wn-root/cascache/internal/integration

go 1.26.0
