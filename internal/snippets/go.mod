module github.com/unkn0wn-root/cascache/internal/snippets

go 1.26.0

require github.com/unkn0wn-root/cascache/wire v0.0.0

replace github.com/unkn0wn-root/cascache/wire => ../../wire
