package consumer

import (
	_ "embed"
	"go/format"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/unkn0wn-root/cascache/internal/redistest"
	"github.com/unkn0wn-root/cascache/internal/tools/modproxy"
)

// A program says how testdata/program.go.tmpl fills and reads a cache: with
// which expressions it makes the parts.
type program struct {
	Imports  []string // beyond core, each as in an import declaration
	Setup    []string // statements that come first
	Type     string   // of the values
	Value    string
	Codec    string
	Provider string // gives the provider and an error
	GenStore string // "": local generations
	Near     string // "": none
	Hooks    string // "": none
}

// A row is a program of a user.
type row struct {
	name     string
	requires []string // the folders that the program imports from
	brings   []string // the further folders that may be in its module graph
	third    []string // the third parties that may be in its module graph
	program  program
	redis    bool   // the program wants the address of a Redis server
	test     string // instead of a program: the source of a test
}

const (
	jsonImport      = `codec "` + base + `/codec-json"`
	ristrettoImport = `rp "` + base + `/provider-ristretto"`
	goRedisImport   = `"github.com/redis/go-redis/v9"`
	goRedisClient   = `client := redis.NewClient(&redis.Options{Addr: os.Args[1]})`
	aString         = `"tea"`
	aProduct        = `product{"tea", 3}`
)

var rows = []row{
	{
		name:     "core alone",
		requires: []string{"core"},
		brings:   []string{"wire"},
		program: program{
			Type: "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with ristretto and JSON",
		requires: []string{"core", "provider-ristretto", "codec-json"},
		brings:   []string{"wire", "conformance"},
		third:    ristrettoThird,
		program: program{
			Imports: []string{jsonImport, ristrettoImport},
			Type:    "product", Value: aProduct, Codec: "codec.JSON[product]{}",
			Provider: "rp.New(rp.Config{NumCounters: 1000, MaxCost: 1 << 20, BufferItems: 64})",
		},
	},
	{
		name:     "core with BigCache",
		requires: []string{"core", "provider-bigcache"},
		brings:   []string{"wire", "conformance"},
		third:    []string{"github.com/allegro/bigcache/v3"},
		program: program{
			Imports: []string{`bigcacheprovider "` + base + `/provider-bigcache"`},
			Type:    "string", Value: aString, Codec: "cascache.String{}",
			Provider: "bigcacheprovider.New(bigcacheprovider.Config{LifeWindow: time.Minute})",
		},
	},
	{
		name:     "core with CBOR",
		requires: []string{"core", "codec-cbor"},
		brings:   []string{"wire", "conformance"},
		third:    []string{"github.com/fxamacker/cbor/v2", "github.com/x448/float16"},
		program: program{
			Imports: []string{`cborcodec "` + base + `/codec-cbor"`},
			Type:    "product", Value: aProduct, Codec: "cborcodec.CBOR[product]{}",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with Msgpack",
		requires: []string{"core", "codec-msgpack"},
		brings:   []string{"wire", "conformance"},
		third: []string{
			"github.com/vmihailenco/msgpack/v5",
			"github.com/vmihailenco/tagparser/v2",
			// tests
			"github.com/davecgh/go-spew",
			"github.com/pmezard/go-difflib",
			"github.com/stretchr/testify",
			"gopkg.in/yaml.v3",
		},
		program: program{
			Imports: []string{`msgpackcodec "` + base + `/codec-msgpack"`},
			Type:    "product", Value: aProduct, Codec: "msgpackcodec.Msgpack[product]{}",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with Protocol Buffers",
		requires: []string{"core", "codec-proto"},
		brings:   []string{"wire", "conformance"},
		third: []string{
			"google.golang.org/protobuf",
			// tests, and versions before the present one
			"github.com/golang/protobuf",
			"github.com/google/go-cmp",
		},
		program: program{
			Imports: []string{
				`protocodec "` + base + `/codec-proto"`,
				`"google.golang.org/protobuf/types/known/wrapperspb"`,
			},
			Type: "*wrapperspb.StringValue", Value: "wrapperspb.String(" + aString + ")",
			Codec:    "protocodec.Proto[*wrapperspb.StringValue]{}",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with encryption",
		requires: []string{"core", "codec-aead"},
		brings:   []string{"wire", "conformance"},
		program: program{
			Imports: []string{`aeadcodec "` + base + `/codec-aead"`},
			Setup: []string{
				`key, err := aeadcodec.NewKey(1, []byte("0123456789abcdef0123456789abcdef"))`,
				"if err != nil { return err }",
				"codec, err := aeadcodec.New(cascache.String{}, aeadcodec.Config{Keys: []aeadcodec.Key{key}})",
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "codec",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with Zstandard",
		requires: []string{"core", "codec-zstd"},
		brings:   []string{"wire", "conformance"},
		third:    []string{"github.com/klauspost/compress"},
		program: program{
			Imports: []string{`zstdcodec "` + base + `/codec-zstd"`},
			Setup: []string{
				"codec, err := zstdcodec.New(cascache.String{}, zstdcodec.Config{MinSize: 1})",
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "codec",
			Provider: "newMapProvider()",
		},
	},
	{
		name:     "core with decoded values in Otter",
		requires: []string{"core", "near-otter"},
		brings:   []string{"wire", "conformance"},
		third: []string{
			"github.com/maypok86/otter/v2",
			// tests
			"github.com/stretchr/testify",
			"go.yaml.in/yaml/v3",
		},
		program: program{
			Imports: []string{`otternear "` + base + `/near-otter"`},
			Setup: []string{
				"near, err := otternear.New(otternear.Config[string]{})",
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
			Near:     "near",
		},
	},
	{
		name:     "core with metrics for Prometheus",
		requires: []string{"core", "hooks-prometheus"},
		brings:   []string{"wire"},
		third:    prometheusThird,
		program: program{
			Imports: []string{`promhooks "` + base + `/hooks-prometheus"`},
			Setup: []string{
				"hooks, err := promhooks.New(promhooks.Config{})",
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
			Hooks:    "hooks",
		},
	},
	{
		name:     "core with metrics and spans by OpenTelemetry",
		requires: []string{"core", "hooks-otel"},
		brings:   []string{"wire"},
		third:    otelThird,
		program: program{
			Imports: []string{`otelhooks "` + base + `/hooks-otel"`},
			Setup: []string{
				"hooks, err := otelhooks.New(otelhooks.Config{})",
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
			Hooks:    "hooks",
		},
	},
	{
		name:     "core with values in Redis",
		requires: []string{"core", "provider-redis"},
		brings:   []string{"wire"},
		third:    goRedisThird,
		program: program{
			Imports: []string{`redisprovider "` + base + `/provider-redis"`, goRedisImport},
			Setup:   []string{goRedisClient},
			Type:    "string", Value: aString, Codec: "cascache.String{}",
			Provider: "redisprovider.New(redisprovider.Config{Client: client})",
		},
		redis: true,
	},
	{
		name:     "core with generations in Redis",
		requires: []string{"core", "genstore-redis"},
		brings:   []string{"wire", "internal/redisgen"},
		third:    goRedisThird,
		program: program{
			Imports: []string{`redisgenstore "` + base + `/genstore-redis"`, goRedisImport},
			Setup:   []string{goRedisClient},
			Type:    "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
			GenStore: `redisgenstore.NewRedisGenStore(client, "consumer")`,
		},
		redis: true,
	},
	{
		name:     "core with leased generations",
		requires: []string{"core", "genstore-lease"},
		brings:   []string{"wire", "internal/redisgen"},
		third:    goRedisThird,
		program: program{
			Imports: []string{`leasegenstore "` + base + `/genstore-lease"`, goRedisImport},
			Setup: []string{
				goRedisClient,
				`store, err := leasegenstore.New(leasegenstore.Config{Client: client, Namespace: "consumer"})`,
				"if err != nil { return err }",
			},
			Type: "string", Value: aString, Codec: "cascache.String{}",
			Provider: "newMapProvider()",
			GenStore: "store",
		},
		redis: true,
	},
	{
		name:     "core with values and generations in Redis",
		requires: []string{"core", "provider-redis", "genstore-redis"},
		brings:   []string{"wire", "internal/redisgen"},
		third:    goRedisThird,
		program: program{
			Imports: []string{
				`redisprovider "` + base + `/provider-redis"`,
				`redisgenstore "` + base + `/genstore-redis"`,
				goRedisImport,
			},
			Setup: []string{goRedisClient},
			Type:  "string", Value: aString, Codec: "cascache.String{}",
			Provider: "redisprovider.New(redisprovider.Config{Client: client})",
			GenStore: `redisgenstore.NewRedisGenStore(client, "consumer")`,
		},
		redis: true,
	},
	{
		name:     "core with values and generations in one Redis",
		requires: []string{"core", "backend-redis"},
		brings:   []string{"wire", "provider-redis", "internal/redisgen"},
		third:    goRedisThird,
		program: program{
			Imports: []string{`redisbackend "` + base + `/backend-redis"`, goRedisImport},
			Setup:   []string{goRedisClient},
			Type:    "string", Value: aString, Codec: "cascache.String{}",
			Provider: `redisbackend.New(redisbackend.Config{Client: client, Namespace: "consumer"})`,
			GenStore: "provider",
		},
		redis: true,
	},
	{
		name:     "the suites of conformance",
		requires: []string{"conformance"},
		brings:   []string{"core", "wire"},
		test:     conformanceTest,
	},
	{
		name:     "wire alone",
		requires: []string{"wire"},
		test:     wireTest,
	},
	{
		name:     "the analyzer",
		requires: []string{"vet"},
		third:    toolsThird,
		test:     vetTest,
	},
}

// What a backend brings: itself, what it is built on, and what it and those are
// tested with, which a module graph holds too and no build does.
var (
	ristrettoThird = []string{
		"github.com/dgraph-io/ristretto/v2",
		"github.com/cespare/xxhash/v2",
		"github.com/dustin/go-humanize",
		"golang.org/x/sys",
		// tests
		"github.com/davecgh/go-spew",
		"github.com/dgryski/go-farm",
		"github.com/pmezard/go-difflib",
		"github.com/stretchr/testify",
		"gopkg.in/yaml.v3",
	}
	prometheusThird = []string{
		"github.com/prometheus/client_golang",
		"github.com/prometheus/client_model",
		"github.com/prometheus/common",
		"github.com/prometheus/procfs",
		"github.com/beorn7/perks",
		"github.com/cespare/xxhash/v2",
		"github.com/munnerz/goautoneg",
		"golang.org/x/sys",
		"google.golang.org/protobuf",
		// tests, and packages of those that the hooks do not use
		"github.com/alecthomas/kingpin/v2",
		"github.com/alecthomas/units",
		"github.com/davecgh/go-spew",
		"github.com/golang-jwt/jwt/v5",
		"github.com/golang/protobuf",
		"github.com/google/go-cmp",
		"github.com/google/uuid",
		"github.com/jpillora/backoff",
		"github.com/json-iterator/go",
		"github.com/julienschmidt/httprouter",
		"github.com/klauspost/compress",
		"github.com/kylelemons/godebug",
		"github.com/modern-go/concurrent",
		"github.com/modern-go/reflect2",
		"github.com/mwitkow/go-conntrack",
		"github.com/pmezard/go-difflib",
		"github.com/stretchr/testify",
		"github.com/xhit/go-str2duration/v2",
		"go.uber.org/goleak",
		"go.yaml.in/yaml/v2",
		"golang.org/x/net",
		"golang.org/x/oauth2",
		"golang.org/x/sync",
		"golang.org/x/text",
		"gopkg.in/yaml.v3",
	}
	otelThird = []string{
		"go.opentelemetry.io/otel",
		"go.opentelemetry.io/otel/metric",
		"go.opentelemetry.io/otel/trace",
		"go.opentelemetry.io/auto/sdk",
		"github.com/cespare/xxhash/v2",
		"github.com/go-logr/logr",
		"github.com/go-logr/stdr",
		// tests
		"github.com/davecgh/go-spew",
		"github.com/google/go-cmp",
		"github.com/google/uuid",
		"github.com/kr/pretty",
		"github.com/pmezard/go-difflib",
		"github.com/rogpeppe/go-internal",
		"github.com/stretchr/testify",
		"go.opentelemetry.io/otel/sdk",
		"go.opentelemetry.io/otel/sdk/metric",
		"go.yaml.in/yaml/v3",
		"golang.org/x/sys",
		"gopkg.in/check.v1",
		"gopkg.in/yaml.v3",
	}
	toolsThird = []string{
		"golang.org/x/tools",
		"golang.org/x/mod",
		"golang.org/x/sync",
		// tests
		"github.com/google/go-cmp",
		"github.com/yuin/goldmark",
		"golang.org/x/net",
		"golang.org/x/sys",
		"golang.org/x/telemetry",
	}
	goRedisThird = []string{
		"github.com/redis/go-redis/v9",
		"github.com/cespare/xxhash/v2",
		"go.uber.org/atomic",
		"golang.org/x/sys",
		// tests
		"github.com/bsm/ginkgo/v2",
		"github.com/bsm/gomega",
		"github.com/klauspost/cpuid/v2",
		"github.com/stretchr/testify",
		"github.com/zeebo/xxh3",
		"go.yaml.in/yaml/v3",
	}
)

var (
	//go:embed testdata/program.go.tmpl
	programText string

	//go:embed testdata/conformance_test.go.txt
	conformanceTest string

	//go:embed testdata/wire_test.go.txt
	wireTest string

	//go:embed testdata/vet_test.go.txt
	vetTest string
)

func (p program) source(t *testing.T) string {
	t.Helper()
	var source strings.Builder
	if err := template.Must(template.New("program").Parse(programText)).Execute(&source, p); err != nil {
		t.Fatal(err)
	}
	formatted, err := format.Source([]byte(source.String()))
	if err != nil {
		t.Fatalf("%v in\n%s", err, &source)
	}
	return string(formatted)
}

// files returns the row's program or test.
func (r row) files(t *testing.T) map[string]string {
	t.Helper()
	if r.test != "" {
		return map[string]string{"consumer_test.go": r.test}
	}
	return map[string]string{"main.go": r.program.source(t)}
}

// allowed returns every module that may be in the graph of the row's program.
func (r row) allowed() []string {
	allowed := slices.Clone(r.third)
	for _, folder := range slices.Concat(r.requires, r.brings) {
		allowed = append(allowed, base+"/"+folder)
	}
	return allowed
}

func TestImportBringsNothingElse(t *testing.T) {
	goCmd := newGoCommand(t, stageReleased(t))
	for _, r := range append(slices.Clone(rows), everything(t)) {
		t.Run(r.name, func(t *testing.T) {
			if testing.Short() && r.name != "core alone" {
				t.Skip("the long tests prove the other rows")
			}
			var requires []string
			for _, folder := range r.requires {
				requires = append(requires, folder+"@"+release)
			}
			dir := writeConsumer(t, requires, r.files(t))
			if r.test != "" {
				goCmd.run(t, dir, "test", ".")
			} else {
				goCmd.run(t, dir, "build", "-o", "consumer", ".")
			}
			for command, modules := range goCmd.intruders(t, dir, r.allowed()) {
				if len(modules) > 0 {
					t.Errorf("an import of %v brings more into its user's module graph than is allowed: %q by %s", r.requires, modules, command)
				}
			}
			if r.test != "" {
				return
			}
			var args []string
			if r.redis {
				args = append(args, redistest.Start(t).Addr())
			}
			out := goCmd.exec(t, dir, filepath.Join(dir, "consumer"), args...)
			if out != "used the cache\n" {
				t.Errorf("the program did not come to its end: it printed %q", out)
			}
		})
	}
}

// everything is a program that imports every released module of the workspace,
// the rows' third parties and no others being allowed.
func everything(t *testing.T) row {
	t.Helper()
	r := row{
		name: "everything",
		program: program{
			Imports: []string{jsonImport, ristrettoImport, goRedisImport,
				`aeadcodec "` + base + `/codec-aead"`,
				`zstdcodec "` + base + `/codec-zstd"`,
				`otternear "` + base + `/near-otter"`,
				`redisgenstore "` + base + `/genstore-redis"`,
			},
			Setup: []string{
				goRedisClient,
				"near, err := otternear.New(otternear.Config[product]{})",
				"if err != nil { return err }",
				"compressed, err := zstdcodec.New(codec.JSON[product]{}, zstdcodec.Config{MinSize: 1})",
				"if err != nil { return err }",
				`key, err := aeadcodec.NewKey(1, []byte("0123456789abcdef0123456789abcdef"))`,
				"if err != nil { return err }",
				"sealed, err := aeadcodec.New(compressed, aeadcodec.Config{Keys: []aeadcodec.Key{key}})",
				"if err != nil { return err }",
			},
			Type: "product", Value: aProduct, Codec: "sealed",
			Provider: "rp.New(rp.Config{NumCounters: 1000, MaxCost: 1 << 20, BufferItems: 64})",
			GenStore: `redisgenstore.NewRedisGenStore(client, "everything")`,
			Near:     "near",
		},
		redis: true,
	}
	for _, m := range releasedModules(t) {
		r.requires = append(r.requires, m.Folder)
		if strings.HasPrefix(m.Folder, "internal/") {
			continue // only modules of this repository can import it
		}
		path := base + "/" + m.Folder
		if m.Folder != "core" && !slices.ContainsFunc(r.program.Imports, func(i string) bool { return strings.HasSuffix(i, `"`+path+`"`) }) {
			r.program.Imports = append(r.program.Imports, `_ "`+path+`"`)
		}
	}
	for _, other := range rows {
		r.third = append(r.third, other.third...)
	}
	return r
}

// TestEveryModuleIsProved: what an import of a module brings is said in a row
// that is about that module. To be brought by another one proves nothing.
func TestEveryModuleIsProved(t *testing.T) {
	var subjects []string
	for _, r := range rows {
		if len(r.requires) > 1 {
			subjects = append(subjects, r.requires[1:]...) // the first is core, which carries the program
		} else {
			subjects = append(subjects, r.requires...)
		}
	}
	var folders []string
	for _, m := range releasedModules(t) {
		folders = append(folders, m.Folder)
		if !slices.Contains(subjects, m.Folder) && !strings.HasPrefix(m.Folder, "internal/") {
			t.Errorf("no row proves what an import of %s brings", m.Folder)
		}
	}
	for _, r := range rows {
		for _, folder := range slices.Concat(r.requires, r.brings) {
			if !slices.Contains(folders, folder) {
				t.Errorf("the row of %s names %s, which is no released module", r.name, folder)
			}
		}
	}
}

// TestIntruderIsNoticed is the control: it spoils core in the ways that the
// proof is there to notice.
func TestIntruderIsNoticed(t *testing.T) {
	const intruder = "example.com/intruder"
	p := stageReleased(t)
	goMod := []byte("module " + intruder + "\n\ngo 1.25.0\n")
	stage(t, p, module.Version{Path: intruder, Version: "v1.2.3"}, goMod, []zip.File{
		modproxy.MemoryFile{Name: "go.mod", Content: goMod},
		modproxy.MemoryFile{Name: "intruder.go", Content: []byte("package intruder\n")},
	})
	goCmd := newGoCommand(t, p)
	alone := rows[0]

	tests := []struct {
		name    string
		require string
		version string
	}{
		{"a third party", intruder, "v1.2.3"},
		{"a sibling that core has no use for", base + "/codec-json", release},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			spoiled := "v0.2." + string(rune('0'+i))
			stageFolder(t, p, "core", spoiled, func(mod *modfile.File) {
				if err := mod.AddRequire(test.require, test.version); err != nil {
					t.Fatal(err)
				}
			})
			dir := writeConsumer(t, []string{"core@" + spoiled}, alone.files(t))
			goCmd.run(t, dir, "build", "-o", "consumer", ".")
			for command, got := range goCmd.intruders(t, dir, alone.allowed()) {
				if !slices.Equal(got, []string{test.require}) {
					t.Errorf("core brings %s, and the proof by %s must report just that: got %q", test.require, command, got)
				}
			}
		})
	}
}
