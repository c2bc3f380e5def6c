package conformance

// A rule is one case of a suite: a sentence of the contract, and the code that
// tries to catch an implementation breaking it. S is the subject, which the
// suite makes afresh for each case.
type rule[S any] struct {
	// name is that of the subtest, in CamelCase without spaces or slashes. It
	// says what is tried, so that whoever reads "FAIL: …/DelIsFinal" has an
	// idea before reading on.
	name string

	// says is the rule, in words that need no code: "When Del has returned
	// nil, …". harm is what goes wrong in production when it is broken.
	says, harm string

	// lack is how a harness opts out of the case, "" when nothing can.
	lack Lack

	// needs returns what the subject would have to have for the rule to
	// apply, such as an optional ability, or "". nil: it always applies.
	needs func(S) string

	// try runs in a goroutine of its own. It returns when it has seen nothing
	// wrong, and otherwise ends in a call of a.violated.
	try func(a *attempt, s S)
}
