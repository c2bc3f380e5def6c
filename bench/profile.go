package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime/pprof"
	"time"
)

// profile runs the first contender that matches alone, for a while, and writes a
// profile of the processor's time.
func profile(e *env, rows []row, pick *regexp.Regexp, file string, d time.Duration) (err error) {
	for _, r := range rows {
		for _, c := range r.contenders {
			if !pick.MatchString(r.name + "/" + c.name) {
				continue
			}
			w := r.workload()
			in, err := c.open(e, w)
			if err != nil {
				return err
			}
			defer opened{in}.close()
			out, err := os.Create(file)
			if err != nil {
				return err
			}
			if err := pprof.StartCPUProfile(out); err != nil {
				return errors.Join(err, out.Close())
			}
			n, began := 0, time.Now()
			for seq := r.patterns[0].sequence(r.keyCount()); time.Since(began) < d; n += 1000 {
				in.loop(seq, n, 1000)
			}
			took := time.Since(began)
			pprof.StopCPUProfile()
			fmt.Printf("%s/%s: %.4g ns, profile in %s\n", r.name, c.name, float64(took)/float64(n), file)
			return out.Close()
		}
	}
	return fmt.Errorf("bench: nothing matches %q", pick)
}
