package cascache

import (
	"regexp"
	"testing"
	"time"
)

type schemaNode struct {
	Name string
	Next *schemaNode
}

type schemaRenamedNode struct {
	Name string
	Next *schemaRenamedNode
}

type schemaOtherNode struct {
	Name string
	Next []schemaOtherNode
}

type schemaBase struct{ ID int64 }

type schemaText struct{ v string }

func (s *schemaText) UnmarshalText(b []byte) error { s.v = string(b); return nil }
func (s schemaText) MarshalText() ([]byte, error)  { return []byte(s.v), nil }

type schemaOtherText schemaText

func (s schemaOtherText) MarshalText() ([]byte, error) { return []byte(s.v), nil }

// Each group is of one shape, and no two groups are.
func TestSchemaOf(t *testing.T) {
	groups := [][]string{
		{SchemaOf[string]()},
		{SchemaOf[[]byte]()},
		{SchemaOf[*string]()},
		{SchemaOf[int]()},
		{SchemaOf[int64](), SchemaOf[time.Duration]()},
		{SchemaOf[[3]int]()},
		{SchemaOf[[4]int]()},
		{SchemaOf[map[string]int]()},
		{SchemaOf[map[int]string]()},
		{SchemaOf[any](), SchemaOf[error]()},
		{SchemaOf[time.Time]()},
		{SchemaOf[int8]()},
		{SchemaOf[schemaNode](), SchemaOf[schemaRenamedNode]()},
		{SchemaOf[schemaOtherNode]()},
		{
			SchemaOf[struct{ A, B string }](),
			SchemaOf[struct{ B, A string }](),
			SchemaOf[struct {
				A, B string
				c    int
			}](),
		},
		{SchemaOf[struct{ A, C string }]()},
		{SchemaOf[struct{ A, B, C string }]()},
		{SchemaOf[struct {
			A string
			B *string
		}]()},
		{SchemaOf[struct {
			A string `json:"a"`
			B string
		}]()},
		{SchemaOf[struct {
			A string `json:"a,omitempty"`
			B string
		}]()},
		{SchemaOf[struct {
			_ struct{} `cbor:",toarray"`
			A string
			B string
		}]()},
		{SchemaOf[struct {
			_ struct{} `cbor:",toarray"`
			B string
			A string
		}]()},
		{SchemaOf[struct {
			_msgpack struct{} `msgpack:",as_array"`
			A        string
			B        string
		}]()},
		{SchemaOf[struct{ schemaBase }]()},
		{SchemaOf[struct{ Base schemaBase }]()},
		{SchemaOf[struct{ ID int64 }]()},
		{SchemaOf[schemaText]()},
		{SchemaOf[schemaOtherText]()},
		{SchemaOf[struct{ At time.Time }]()},
		{SchemaOf[struct{ At struct{} }]()},
	}
	of := make(map[string]int)
	for i, group := range groups {
		for j, got := range group {
			if !regexp.MustCompile("^[0-9a-f]{16}$").MatchString(got) {
				t.Errorf("a fingerprint is 16 hex digits: group %d has %q", i, got)
			}
			if first, known := of[got]; known && first != i {
				t.Errorf("types of another shape have another fingerprint: groups %d and %d are both %s", first, i, got)
			}
			if got != group[0] {
				t.Errorf("types of one shape have one fingerprint: type %d of group %d", j, i)
			}
			of[got] = i
		}
	}
}

// What it returns is in the storage keys of running services.
func TestSchemaOfStaysAsItIs(t *testing.T) {
	type user struct {
		ID   string `json:"id"`
		Seen time.Time
		Tags map[string][]int32 `json:",omitempty"`
	}
	if got := SchemaOf[user](); got != "a4593f331fb3f2cb" {
		t.Errorf("a fingerprint never changes from one release to the next: got %s", got)
	}
}
