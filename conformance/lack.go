package conformance

// A Lack is something that a contract lets an implementation do without. Each
// suite lists its own next to its harness, and accepts no others; what has no
// Lack, such as every rule of safety, nothing can opt out of.
//
// A harness declares each Lack with the reason, for the people who read the
// skips:
//
//	Lacks: map[conformance.Lack]string{
//		conformance.PerEntryTTL: "one life window for all entries",
//	},
//
// The cases of a Lack are tried all the same. If all of them pass, the
// declaration is wrong, and the subtest named after it ("LackPerEntryTTL")
// fails.
type Lack string
