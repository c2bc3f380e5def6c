module github.com/unkn0wn-root/cascache/internal/consumer

go 1.26.0

require golang.org/x/mod v0.42.0

require (
	github.com/unkn0wn-root/cascache/internal/redistest v0.0.0
	github.com/unkn0wn-root/cascache/internal/tools v0.0.0
)

replace github.com/unkn0wn-root/cascache/internal/redistest => ../redistest

replace github.com/unkn0wn-root/cascache/internal/tools => ../tools

replace github.com/unkn0wn-root/cascache/vet => ../../vet
