package promhooks

import (
	"fmt"
	"reflect"

	"github.com/prometheus/client_golang/prometheus"
)

// Config says where the metrics are registered. The zero value means the default
// registry.
type Config struct {
	// Registerer is where the metrics are registered. Those of an earlier New for
	// the same registry are used again. nil means
	// [prometheus.DefaultRegisterer].
	Registerer prometheus.Registerer
}

// registerer returns the Registerer to use, or an error that names the field.
func (c *Config) registerer() (prometheus.Registerer, error) {
	if c.Registerer == nil {
		return prometheus.DefaultRegisterer, nil
	}
	if v := reflect.ValueOf(c.Registerer); v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, fmt.Errorf("promhooks: Config.Registerer is a nil %T; it must be nil, for prometheus.DefaultRegisterer, or a registerer", c.Registerer)
	}
	return c.Registerer, nil
}
