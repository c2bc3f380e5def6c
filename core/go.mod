module github.com/unkn0wn-root/cascache/core

go 1.25.0

require github.com/unkn0wn-root/cascache/wire v0.0.0

replace github.com/unkn0wn-root/cascache/wire => ../wire
