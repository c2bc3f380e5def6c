// Package otelhooks reports what caches do by OpenTelemetry: metrics, and a span
// for each load.
//
// A counted hit costs some fifteen nanoseconds and allocates nothing. No key is
// ever an attribute: how many series there are depends on the number of namespaces
// alone.
//
//	hooks, err := otelhooks.New(otelhooks.Config{}) // with the global providers
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{Namespace: "user", Provider: provider, Codec: codec, Hooks: hooks})
//
// One set of hooks serves any number of caches: the namespace of a cache is an
// attribute. [cascache.JoinHooks] combines them with other hooks, such as those for
// a log.
//
// # Metrics
//
// Each has the attribute cascache.namespace and these, whose names begin with
// cascache, too. An exporter for Prometheus makes the names of promhooks of them.
//
//	cascache.hits                     {hit}      entry            keys that were served
//	cascache.misses                   {miss}     reason           keys that were not served
//	cascache.self_heals               {entry}    reason, outcome  deletes of entries that cannot be served
//	cascache.sets_skipped             {set}      reason           values that were not stored, for the sake of the promise
//	cascache.sets_rejected            {set}      entry            entries that the provider declined
//	cascache.bulk_rejects             {entry}    op, reason       bulk entries that were not served, or not written
//	cascache.generation_store_errors  {error}    op               failed calls of the generation store
//	cascache.near_failures            {failure}  op               calls of the near tier that panicked
//	cascache.delete_failures          {failure}                   invalidations that could not delete the entry
//	cascache.invalidation_failures    {key}                       keys of invalidations that are not known to be applied
//	cascache.invalidation_recoveries  {key}                       keys that were invalidated after all
//	cascache.leases_ended             {write}                     writes in Mutate that outlasted their hold
//	cascache.load_duration            s          outcome          histogram of loads
//	cascache.load_keys                {key}                       keys that loads were asked for
//	cascache.load_absent_keys         {key}                       keys of them that the source does not have
//	cascache.shared_provider          {cache}                     gauge: 1 if local generations guard a shared provider
//
// cascache.entry is "single" or "bulk". cascache.reason is a [cascache.Reason].
// cascache.op is a [cascache.GenOp], a [cascache.NearOp], or for bulk entries "read"
// or "write". cascache.outcome is "ok" or "error", and for loads also
// "store_error": what was loaded could not be stored.
//
// Hits are observed when the metrics are collected, so they have no exemplars.
//
// # Spans
//
// A load has a span cascache.load, a child of the span of the caller who began the
// load. Its length is that of the load. It ends once what was loaded has been
// stored, when the cache tells of the load: it is late by as long as that took, and
// spans of the load itself are not its children. Its attributes are the namespace,
// the outcome, how many keys were asked for (cascache.load.keys) and how many of
// them the source does not have (cascache.load.absent_keys), and error.type. The
// text of an error, which may name keys, is left out.
package otelhooks
