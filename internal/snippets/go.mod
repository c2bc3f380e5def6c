module github.com/unkn0wn-root/cascache/internal/snippets

go 1.26.0
