module github.com/unkn0wn-root/cascache/internal/redistest

go 1.26.0
