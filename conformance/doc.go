// Package conformance tells whether a backend keeps the contracts of package
// cascache, and if not, which sentence of them is broken and why that matters.
//
// A backend's author adds one test:
//
//	func TestConformance(t *testing.T) {
//		conformance.RunProvider(t, conformance.ProviderHarness{
//			New: func(tb testing.TB) cascache.Provider { return mybackend.New() },
//		})
//	}
//
// and runs it with -race. Every case is a subtest that gets an instance of its
// own, so that -run TestConformance/DelIsFinal repeats a single one. A failure
// reads
//
//	rule: the sentence of the contract
//	seen: what the backend did
//	want: what it should have done
//	harm: what goes wrong in production
//
// # Harness
//
// A harness says how to make a fresh, isolated instance, and where needed how
// to wait for asynchronous writes, how to move the clock, how to make the
// storage fail. Its functions are given a testing.TB: Cleanup, Fatal, Context
// and the others work as in any test, but for Skip, which fails the case. A
// test that wants a server that is not there skips before it runs the suite.
//
// Everything is asked for by default. What a backend by its nature does not
// have is declared as a [Lack], one of those that the suite lists, with a
// reason that the skip prints. A declaration that is not needed fails. There is
// no Lack for safety.
//
// Optional abilities are discovered by cascache.AbilityOf, and those that are
// there are held to their contract. A cache may lose any entry at any time, so
// the cases ask for the right value or a miss and never for a hit, except for
// those that make sure that it is not all misses.
//
// Every case has a deadline: an implementation that hangs fails and holds up
// nothing but that case.
//
// # Suites
//
// [RunProvider], [RunCodec], [RunGenStore] and [RunNear] are for one part of a
// cache, [RunCache] is for a whole one; each has its benchmark, such as
// [BenchmarkProvider]. [RunCombined] is for what a value that is provider and
// generation store at once does in one call. A [Checker] watches for broken
// promises in a test of one's own. Package conformance/faults makes backends
// fail on purpose.
// docs/writing-a-provider.md, docs/writing-a-codec.md and
// docs/writing-a-genstore.md go from an empty folder to a suite that passes.
//
// # For those who add to the suites
//
// A suite is a list of rules (rule.go), each with its name, its sentence, the
// harm of breaking it, and the code that tries; a case reports by
// attempt.violated, and by attempt.inconclusive that there was nothing to see.
// Every rule has at least one broken implementation in the tests, a twin of the
// plain one with a single fault, that fails exactly this case (twins_test.go);
// suite.box runs a suite without failing the test around it. The plain one, and
// one with every oddity that is lawful, pass.
package conformance
