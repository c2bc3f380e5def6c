package snippets

import (
	"strings"
	"testing"
)

const hello = `package main

import "fmt"

func main() { fmt.Println("hello") }
`

func fenced(info, text string) string { return "```" + info + "\n" + text + "```\n" }

func TestCheckGo(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs, which takes seconds")
	}
	tests := []struct {
		name     string
		markdown string
		want     string // a part of the error; "": none
	}{
		{"a program", fenced("go", hello), ""},
		{"a program with a comment first", fenced("go", "// A comment.\n\n"+hello), ""},
		{"a program and its output", fenced("go", hello) + "\n" + fenced("text", "hello\n"), ""},
		{"a program and another output", fenced("go", hello) + "\n" + fenced("text", "good bye\n"), "prints\nhello\n"},
		{"a text that does not follow directly", fenced("go", hello) + "\nElsewhere:\n\n" + fenced("text", "good bye\n"), ""},
		{"a program that fails", fenced("go", "package main\n\nfunc main() { panic(\"stop\") }\n"), "panic: stop"},
		{"a program that does not compile", fenced("go", "package main\n\nfunc main() { undefined() }\n"), "undefined"},
		{"a program that vet refuses", fenced("go", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Printf(\"%d\\n\", \"x\") }\n"), "wrong type"},
		{"a program that uses a module of the workspace", fenced("go", "package main\n\nimport _ \""+"github.com/unkn0wn-root/cascache/wire\"\n\nfunc main() {}\n"), ""},
		{"a program that uses an unknown module", fenced("go", "package main\n\nimport _ \"github.com/unkn0wn-root/cascache/none\"\n\nfunc main() {}\n"), "cascache/none"},
		{"a package", fenced("go", "package part\n\nfunc Two() int { return 2 }\n"), ""},
		{"a package that does not compile", fenced("go", "package part\n\nfunc Two() int { return \"2\" }\n"), "cannot use"},
		{"a test", fenced("go", "package part\n\nimport \"testing\"\n\nfunc TestIt(*testing.T) {}\n"), ""},
		{"a test that fails", fenced("go", "package part\n\nimport \"testing\"\n\nfunc TestIt(t *testing.T) { t.Error(\"no\") }\n"), "FAIL"},
		{"an unformatted program", fenced("go", strings.Replace(hello, "func main() {", "func main()  {", 1)), "not formatted"},
		{"no complete file", fenced("go", "x := 1\n"), "no complete file"},
		{"statements", fenced("go fragment", "x := 1\nuse(x)\n"), ""},
		{"declarations", fenced("go fragment", "type T struct{}\n\nfunc (T) M() {}\n"), ""},
		{"a fragment that does not parse", fenced("go fragment", "x := \n"), "does not parse"},
		{"a complete file marked as a fragment", fenced("go fragment", hello), "complete file"},
		{"an unknown mark", fenced("go norun", hello), "only ```go"},
		{"an unknown language", fenced("golang", "x := 1\n"), "only ```go"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := blocks(test.markdown)[0]
			if !isGo(b) {
				t.Fatalf("a block marked %q must be taken for Go", b.info)
			}
			err := checkGo(t.Context(), root, b, true)
			switch {
			case test.want == "" && err != nil:
				t.Errorf("the block is right, and is refused: %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the block must be refused with %q: got %v", test.want, err)
			}
		})
	}
}

func TestBlocks(t *testing.T) {
	const markdown = "# Title\n" +
		"```go\na\n\n  b\n```\n" +
		"\n" +
		"```text\nout\n```\n" +
		"## Quick start\n" +
		"- item\n\n  ````sh\n  ```\n  # no heading\n  ````\n" +
		"~~~\nx\n~~~\n" +
		"```go\nnever closed\n"
	want := []block{
		{line: 2, info: "go", text: "a\n\n  b\n", section: "Title"},
		{line: 8, info: "text", text: "out\n", section: "Title"},
		{line: 14, info: "sh", text: "```\n# no heading\n", section: "Quick start"},
		{line: 18, info: "", text: "x\n", section: "Quick start"},
		{line: 21, info: "go", text: "never closed\n", section: "Quick start"},
	}
	got := blocks(markdown)
	if len(got) != len(want) {
		t.Fatalf("every fenced block must be found: got %d, want %d", len(got), len(want))
	}
	for i, b := range got {
		if b.line != want[i].line || b.info != want[i].info || b.text != want[i].text || b.section != want[i].section {
			t.Errorf("block %d: got %+v, want %+v", i, *b, want[i])
		}
		if wantOutput := i == 0; (b.output != nil) != wantOutput {
			t.Errorf("only a text block that follows directly is an output: block %d has %+v", i, b.output)
		}
	}
}

func TestHasQuickStart(t *testing.T) {
	tests := []struct {
		name, markdown string
		want           bool
	}{
		{"a program", "## Quick start\n" + fenced("go", hello), true},
		{"no section", "## Start\n" + fenced("go", hello), false},
		{"in another section", "## Quick start\n## Later\n" + fenced("go", hello), false},
		{"a fragment", "## Quick start\n" + fenced("go fragment", "x := 1\n"), false},
		{"not to be run", "## Quick start\n" + fenced("go", "package part\n"), false},
		{"nothing", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := hasQuickStart(blocks(test.markdown)); got != test.want {
				t.Errorf("only a program in the section counts: got %v, want %v", got, test.want)
			}
		})
	}
}
