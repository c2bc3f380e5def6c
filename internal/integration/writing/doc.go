// Package writing tests what a write leaves behind on real Redis servers, when
// processes are killed half way, commits land late, servers die and come back,
// and loads are under way meanwhile.
package writing
