package otelhooks

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// The keys of the attributes.
const (
	keyNamespace  = attribute.Key("cascache.namespace")
	keyEntry      = attribute.Key("cascache.entry")
	keyReason     = attribute.Key("cascache.reason")
	keyOp         = attribute.Key("cascache.op")
	keyOutcome    = attribute.Key("cascache.outcome")
	keyLoadKeys   = attribute.Key("cascache.load.keys")
	keyLoadAbsent = attribute.Key("cascache.load.absent_keys")
	keyErrorType  = attribute.Key("error.type")
)

// The values of attributes that are not constants of cascache.
const (
	single = "single"
	bulk   = "bulk"

	read  = "read"
	write = "write"

	ok         = "ok"
	failed     = "error"
	storeError = "store_error"
)

// labels say which attributes a measurement has: the namespace, and of the others
// those that are not empty.
type labels struct {
	namespace, entry, reason, op, outcome string
}

// set returns the attributes. Exporters refuse text that is not UTF-8.
func (l labels) set() attribute.Set {
	all := []attribute.KeyValue{keyNamespace.String(strings.ToValidUTF8(l.namespace, "\uFFFD"))}
	for _, a := range []attribute.KeyValue{
		keyEntry.String(l.entry), keyReason.String(l.reason), keyOp.String(l.op), keyOutcome.String(l.outcome),
	} {
		if a.Value.AsString() != "" {
			all = append(all, a)
		}
	}
	return attribute.NewSet(all...)
}

// options are the attributes of a measurement as each kind of it takes them.
type options struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

// optionsOf keeps the options of all labels that it was asked for, so that each
// set of attributes is made once.
type optionsOf struct {
	made sync.Map // labels: *options
}

func (o *optionsOf) get(l labels) *options {
	got, ok := o.made.Load(l)
	if !ok {
		with := metric.WithAttributeSet(l.set())
		got, _ = o.made.LoadOrStore(l, &options{
			add:    []metric.AddOption{with},
			record: []metric.RecordOption{with},
		})
	}
	return got.(*options)
}
