package snippets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// runLimit bounds what one program may take.
const runLimit = 2 * time.Minute

// checkGo returns what is wrong with a block that holds Go, or nil. Programs
// are built in the workspace of root; with build false they are only parsed.
func checkGo(ctx context.Context, root string, b *block, build bool) error {
	fields := strings.Fields(b.info)
	complete := strings.HasPrefix(firstCode(b.text), "package ")
	switch {
	case fields[0] != "go" || len(fields) > 2 || len(fields) == 2 && fields[1] != "fragment":
		return fmt.Errorf("is marked %q; only ```go and ```go fragment are known", b.info)
	case len(fields) == 1 && !complete:
		return errors.New("is no complete file; if that is meant, mark it ```go fragment")
	case len(fields) == 2 && fields[1] == "fragment" && complete:
		return errors.New("is marked as a fragment, and is a complete file")
	}
	// Source parses a file, declarations or statements.
	formatted, err := format.Source([]byte(b.text))
	if err != nil {
		return fmt.Errorf("does not parse: %w", err)
	}
	if !bytes.Equal(formatted, []byte(b.text)) {
		return fmt.Errorf("is not formatted; gofmt makes it\n%s", formatted)
	}
	if !complete || !build {
		return nil
	}
	return buildFile(ctx, root, b)
}

// buildFile compiles and vets a complete file, and runs what can be run.
func buildFile(ctx context.Context, root string, b *block) error {
	file, err := parser.ParseFile(token.NewFileSet(), "", b.text, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "snippet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	source, program := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if hasTests(file) {
		source = filepath.Join(dir, "main_test.go")
	}
	if err := os.WriteFile(source, []byte(b.text), 0o644); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, runLimit)
	defer cancel()
	if _, err := run(ctx, root, "go", "vet", source); err != nil {
		return err
	}
	var out string
	switch {
	case hasTests(file):
		_, err = run(ctx, root, "go", "test", source)
	case file.Name.Name == "main":
		if _, err = run(ctx, root, "go", "build", "-o", program, source); err == nil {
			out, err = run(ctx, dir, program)
		}
	}
	if err != nil {
		return err
	}
	if b.output != nil && out != b.output.text {
		return fmt.Errorf("prints\n%sand the text block in line %d says\n%s", out, b.output.line, b.output.text)
	}
	return nil
}

// run returns what a command printed to its standard output. Go commands work
// in the workspace of dir.
func run(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if name == "go" {
		work, err := filepath.Abs(filepath.Join(dir, "go.work"))
		if err != nil {
			return "", err
		}
		cmd.Env = append(os.Environ(), "GOWORK="+work)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &stderr)
	}
	return string(out), nil
}

// hasTests reports whether the file declares a test function.
func hasTests(file *ast.File) bool {
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
			return true
		}
	}
	return false
}

// firstCode returns source from its first line on that is neither blank nor a
// line comment.
func firstCode(source string) string {
	for source != "" {
		line, rest, _ := strings.Cut(source, "\n")
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			return source
		}
		source = rest
	}
	return ""
}
