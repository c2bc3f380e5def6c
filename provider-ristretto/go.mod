module github.com/unkn0wn-root/cascache/provider-ristretto

go 1.25.0
