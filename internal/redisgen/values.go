package redisgen

import _ "embed"

var (
	//go:embed scripts/fetch.lua
	fetchSource string
	//go:embed scripts/drop.lua
	dropSource string
	//go:embed scripts/store.lua
	storeSource string
	//go:embed scripts/heal.lua
	healSource string
)

// within makes a script a function of scripts that go on after it.
func within(name, source string) string {
	return "local function " + name + "(KEYS)\n" + source + "end\n"
}

var (
	fetchScript = newScript("read", Creating(prelude+within("snapshot", snapshotSource)+fetchSource))
	dropScript  = newScript("bump and delete", prelude+within("bump", bumpSource)+dropSource)
	storeScript = newScript("store", storeSource)
	healScript  = newScript("delete", healSource)
)

// Values are the entries that lie beside the generations of a store: in the
// same Redis, as strings under their storage keys as they are, each in the
// Cluster slot of its generation, as provider-redis keeps them. Its methods are
// those of [cascache.Combined] that take both; module backend-redis makes a
// whole one of them. What holds other than a string has no value here.
//
// Each is one round trip, or one per node of a Cluster, unless it says
// otherwise; while a slot is on its way to another node, what several keys are
// needed for may take two.
type Values struct{ store *Store }

// Values returns the entries beside the generations of s.
func (s *Store) Values() Values { return Values{s} }
