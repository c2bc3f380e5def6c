// Package promhooks counts what caches do, as metrics of Prometheus.
//
// A counted hit costs some ten nanoseconds and allocates nothing. No key is ever
// a label: how many series there are depends on the number of namespaces alone.
//
//	hooks, err := promhooks.New(promhooks.Config{}) // in the default registry
//	if err != nil {
//		return err
//	}
//	users, err := cascache.New(cascache.Options[User]{Namespace: "user", Provider: provider, Codec: codec, Hooks: hooks})
//
// One set of hooks serves any number of caches, and New may be called again for
// the same registry: the namespace of a cache is a label. [cascache.JoinHooks]
// combines them with other hooks, such as those for a log.
//
// The metrics, each with the label namespace and these:
//
//	cascache_hits_total                     entry            keys that were served
//	cascache_misses_total                   reason           keys that were not served
//	cascache_self_heals_total               reason, outcome  deletes of entries that cannot be served
//	cascache_sets_skipped_total             reason           values that were not stored, for the sake of the promise
//	cascache_sets_rejected_total            entry            entries that the provider declined
//	cascache_bulk_rejects_total             op, reason       bulk entries that were not served, or not written
//	cascache_generation_store_errors_total  op               failed calls of the generation store
//	cascache_near_failures_total            op               calls of the near tier that panicked
//	cascache_delete_failures_total                           invalidations that could not delete the entry
//	cascache_invalidation_failures_total                     keys of invalidations that are not known to be applied
//	cascache_invalidation_recoveries_total                   keys that were invalidated after all
//	cascache_leases_ended_total                              writes in Mutate that outlasted their hold
//	cascache_load_duration_seconds          outcome          histogram of loads
//	cascache_load_keys_total                                 keys that loads were asked for
//	cascache_load_absent_keys_total                          keys of them that the source does not have
//	cascache_shared_provider                                 gauge: 1 if local generations guard a shared provider
//
// entry is "single" or "bulk". reason is a [cascache.Reason]. op is a
// [cascache.GenOp], a [cascache.NearOp], or for bulk entries "read" or "write".
// outcome is "ok" or "error", and for loads also "store_error": what was loaded
// could not be stored.
//
// Bytes of a namespace that are not UTF-8 appear as U+FFFD.
package promhooks
