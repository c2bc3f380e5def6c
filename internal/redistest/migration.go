package redistest

import "strconv"

// A Migration moves one slot of a Cluster from its master to another one, step
// by step: between the steps a client is redirected.
type Migration struct {
	Slot     int
	From, To *Server

	cluster *Cluster
}

// BeginMigration opens the slot of key for its move to another master. From
// then on the old master serves the keys that it still has and redirects
// (ASK) for the others.
func (c *Cluster) BeginMigration(key string, to *Server) *Migration {
	c.tb.Helper()
	m := &Migration{Slot: Slot(key), From: c.MasterOf(key), To: to, cluster: c}
	if m.From == to {
		c.tb.Fatalf("redistest: slot %d is already at %s", m.Slot, to.name)
	}
	to.Do("CLUSTER", "SETSLOT", m.slot(), "IMPORTING", c.ID(m.From))
	m.From.Do("CLUSTER", "SETSLOT", m.slot(), "MIGRATING", c.ID(to))
	return m
}

func (m *Migration) slot() string { return strconv.Itoa(m.Slot) }

// MoveKeys moves the keys that the slot has at present.
func (m *Migration) MoveKeys() {
	m.cluster.tb.Helper()
	for {
		keys, _ := m.From.Do("CLUSTER", "GETKEYSINSLOT", m.slot(), "100").([]any)
		if len(keys) == 0 {
			return
		}
		move := []string{"MIGRATE", host, strconv.Itoa(m.To.port), "", "0", "5000"}
		if m.To.password != "" {
			move = append(move, "AUTH", m.To.password)
		}
		move = append(move, "KEYS")
		for _, key := range keys {
			move = append(move, key.(string))
		}
		m.From.Do(move...)
	}
}

// Finish moves what keys are left and gives the slot to its new master. The
// nodes then redirect there (MOVED).
func (m *Migration) Finish() {
	m.cluster.tb.Helper()
	m.MoveKeys()
	id := m.cluster.ID(m.To)
	m.To.Do("CLUSTER", "SETSLOT", m.slot(), "NODE", id)
	m.From.Do("CLUSTER", "SETSLOT", m.slot(), "NODE", id)
	m.cluster.WaitReady()
}

// MigrateSlot moves the slot of key, with all its keys, to another master.
func (c *Cluster) MigrateSlot(key string, to *Server) {
	c.tb.Helper()
	c.BeginMigration(key, to).Finish()
}
