package redisgen

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// maxRedirects is how often a Cluster's answer that a key is elsewhere,
	// or its failure to answer, is followed.
	maxRedirects = 4

	// redirectPause is how long to wait before that when nobody has said
	// where the key is; twice as long each time.
	redirectPause = 10 * time.Millisecond
)

// writer returns the sender of scripts whose effect must last, nil where
// nobody need wait for it.
func (s *Store) writer() sender {
	switch {
	case s.waitReplicas == 0:
		return nil
	case s.client.node != nil:
		return func(ctx context.Context, list []group, which []int, replies []*redis.Cmd, call scriptCall) {
			s.sendAndWait(ctx, s.client.node, nil, list, which, replies, call)
		}
	}
	return s.sendToMasters
}

// sendAndWait runs groups on one server and waits until its replicas have what
// they wrote. WAIT is about the writes of its own connection, so it goes into
// the same pipeline. Groups in asking go to a server that is only importing
// their slot.
func (s *Store) sendAndWait(ctx context.Context, node *redis.Client, asking map[int]bool, list []group, which []int, replies []*redis.Cmd, call scriptCall) {
	pipe := node.Pipeline()
	for _, i := range which {
		if asking[i] {
			pipe.Do(ctx, "asking")
		}
		replies[i] = call(pipe, list[i])
	}
	wait := awaitNumber(redis.NewIntCmd(ctx, "wait", s.waitReplicas, s.waitTimeout.Milliseconds()))
	_ = pipe.Process(ctx, wait)
	exec(ctx, pipe)
	have, err := wait.Result()
	if err == nil && have < int64(s.waitReplicas) {
		err = fmt.Errorf("%d of the %d replicas of Config.WaitReplicas had it within %v", have, s.waitReplicas, s.waitTimeout)
	}
	if err == nil {
		return
	}
	for _, i := range which {
		if replies[i].Err() == nil {
			replies[i].SetErr(err)
		}
	}
}

// sendToMasters is sendAndWait for the servers of a Cluster. The client's own
// routing is of no use here: it would send WAIT anywhere.
func (s *Store) sendToMasters(ctx context.Context, list []group, which []int, replies []*redis.Cmd, call scriptCall) {
	cluster := s.client.cluster
	toldTo, asking := make(map[int]string), make(map[int]bool)
	for attempt := 0; len(which) > 0; attempt++ {
		nodes := make(map[*redis.Client][]int)
		for _, i := range which {
			node, err := cluster.MasterForKey(ctx, list[i].names[0])
			if addr := toldTo[i]; addr != "" {
				node, err = s.master(ctx, addr)
			}
			if err != nil {
				replies[i] = redis.NewCmd(ctx)
				replies[i].SetErr(err)
				continue
			}
			nodes[node] = append(nodes[node], i)
		}
		var running sync.WaitGroup
		for node, part := range nodes {
			running.Go(func() { s.sendAndWait(ctx, node, asking, list, part, replies, call) })
		}
		running.Wait()
		if attempt == maxRedirects || ctx.Err() != nil {
			return
		}
		var again []int
		pause := false
		for _, i := range which {
			err := replies[i].Err()
			kind, addr := redirection(err)
			switch {
			case kind != "":
				toldTo[i], asking[i] = addr, kind == "ASK"
			case fromNetwork(err) && replies[i].Val() == nil:
				s.noteFailure(err)
				delete(toldTo, i)
				delete(asking, i)
				pause = true
			default:
				continue
			}
			again = append(again, i)
		}
		which = again
		if pause {
			select {
			case <-time.After(redirectPause << attempt):
			case <-ctx.Done():
				return
			}
		}
	}
}

// redirection returns "MOVED" or "ASK" and where to, if err says so.
func redirection(err error) (kind, addr string) {
	for _, kind := range [...]string{"MOVED", "ASK"} {
		if answers(err, kind) {
			f := strings.Fields(err.Error())
			return kind, f[len(f)-1]
		}
	}
	return "", ""
}

// master returns the client of the master at addr. It reloads the slot map, so
// that later calls find their keys at once.
func (s *Store) master(ctx context.Context, addr string) (*redis.Client, error) {
	var found *redis.Client
	var mu sync.Mutex // guards found
	err := s.client.cluster.ForEachMaster(ctx, func(_ context.Context, c *redis.Client) error {
		if c.Options().Addr == addr {
			mu.Lock()
			defer mu.Unlock()
			found = c
		}
		return nil
	})
	if err == nil && found == nil {
		err = fmt.Errorf("no master at %s", addr)
	}
	return found, err
}
