module github.com/unkn0wn-root/cascache/conformance

go 1.25.0

require (
	github.com/unkn0wn-root/cascache/core v0.0.0
	github.com/unkn0wn-root/cascache/wire v0.0.0
)

replace github.com/unkn0wn-root/cascache/core => ../core

replace github.com/unkn0wn-root/cascache/wire => ../wire
