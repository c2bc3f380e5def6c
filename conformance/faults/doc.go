// Package faults makes backends fail on purpose. It puts errors, delays, hanging
// calls, lost replies and panics in front of any real one: a [Provider], where
// sets can be lost or late and bytes damaged besides, a [GenStore], where
// generations can be lost, a [Backend], which is both, and a [Codec].
//
// A [Script] says what goes wrong, and is deterministic: the n-th call that a
// rule of it matches meets the same fate in every run with the same seed.
//
//	script := faults.NewScript(1,
//		faults.Rule{Call: faults.Get, Kind: faults.Fail, Chance: 0.1},
//		faults.Rule{Call: faults.Del, Kind: faults.LoseReply, After: 5, Times: 1},
//	)
//	provider := faults.NewProvider(real, script)
//
// The wrappers keep every optional ability of what they wrap, and have no
// others (see cascache.AbilityOf). In a bulk call each key counts as a call of its
// own: one that fails does not keep the others from being carried out.
package faults
