// Package campaign runs whole assemblies of CasCache as separate processes,
// under load and faults, and proves the promise or finds the history that
// breaks it.
//
// A run starts a world (one Redis, a master with a replica, Sentinel or a
// Cluster), three replicas of an application as processes of their own, and
// lets them read and write 200 rows of a source that all of them share. A
// nemesis breaks something meanwhile. Every read is judged by an exact oracle:
// before it begins, the version is noted whose invalidation has returned, and a
// smaller one is stale. Generations of a few keys are recorded besides and
// checked by porcupine.
//
//	make campaign        a few minutes, by a seed from the commit
//	make campaign-long   as long as you like, by random seeds that are printed
//
// Linux only: it stops and continues processes and looks into /proc.
package campaign
