package snippets

import (
	"regexp"
	"strconv"
	"strings"
)

// A span is a piece of a document that is set as code, within a line or as one.
type span struct {
	line int
	text string
	own  bool // a line of a block, rather than within a sentence
}

// A link is a Markdown link outside of code.
type link struct {
	line   int
	target string
}

// A heading is the title of a section.
type heading struct {
	line   int
	anchor string // as GitHub makes it
}

// text is a Markdown document taken apart, without its Go blocks.
type text struct {
	spans    []span
	links    []link
	headings []heading
	names    []span // words that are names of tests
	subtests []subtest
}

// A subtest is the name of a part of a test, in quotes behind the test's name.
type subtest struct {
	line       int
	test, name string
}

var (
	codeSpan = regexp.MustCompile("``[^`].*?``|`[^`]+`")
	linkTo   = regexp.MustCompile(`\[[^\]]*\]\(([^)\s]+)\)`)
	testPart = regexp.MustCompile("`(Test\\w+)`,? \\(?((?:\"[^\"]+\"(?:, )?)+)")
	testName = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark|Example)[A-Z_]\w*`)
	notSlug  = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// parse takes a Markdown text apart.
func parse(markdown string) *text {
	t := new(text)
	inGo := make(map[int]bool)    // lines of Go blocks, fences included
	inBlock := make(map[int]bool) // lines of other fenced blocks
	lines := strings.Split(markdown, "\n")
	for _, b := range blocks(markdown) {
		for n := b.line; n <= b.line+strings.Count(b.text, "\n")+1; n++ {
			if isGo(b) {
				inGo[n] = true
			} else {
				inBlock[n] = true
			}
		}
	}
	anchors := make(map[string]int)
	for i, line := range lines {
		n := i + 1
		if inGo[n] {
			continue
		}
		if inBlock[n] || strings.HasPrefix(line, "    ") {
			s := span{line: n, text: strings.TrimSpace(line), own: true}
			t.spans = append(t.spans, s)
			t.nameTests(n, s.text)
			continue
		}
		t.nameTests(n, codeSpan.ReplaceAllString(line, "code"))
		if strings.HasPrefix(line, "#") {
			title := strings.TrimSpace(strings.TrimLeft(line, "#"))
			anchor := slug(title)
			if again := anchors[anchor]; again > 0 {
				anchors[anchor]++
				anchor += "-" + strconv.Itoa(again)
			} else {
				anchors[anchor] = 1
			}
			t.headings = append(t.headings, heading{line: n, anchor: anchor})
		}
		for _, m := range codeSpan.FindAllString(line, -1) {
			s := span{line: n, text: strings.TrimSpace(strings.Trim(m, "`"))}
			t.spans = append(t.spans, s)
			t.nameTests(n, s.text)
		}
		for _, m := range testPart.FindAllStringSubmatch(line, -1) {
			for _, name := range strings.Split(m[2], "\", \"") {
				t.subtests = append(t.subtests, subtest{line: n, test: m[1], name: strings.Trim(name, "\", ")})
			}
		}
		for _, m := range linkTo.FindAllStringSubmatch(codeSpan.ReplaceAllString(line, "code"), -1) {
			t.links = append(t.links, link{line: n, target: m[1]})
		}
	}
	return t
}

// nameTests notes the names of tests in a piece of a line, but not in a command,
// where they are patterns.
func (t *text) nameTests(line int, piece string) {
	if words := commandWords(piece); len(words) > 0 && words[0] == "go" {
		return
	}
	for _, name := range testName.FindAllString(piece, -1) {
		t.names = append(t.names, span{line: line, text: name})
	}
}

// slug returns the anchor of a heading, as GitHub makes it.
func slug(title string) string {
	title = linkTo.ReplaceAllStringFunc(title, func(l string) string { return l[1:strings.Index(l, "]")] })
	title = notSlug.ReplaceAllString(strings.ToLower(title), "")
	return strings.ReplaceAll(title, " ", "-")
}
