package snippets

import "strings"

// A block is a fenced code block of a Markdown text.
type block struct {
	line    int    // of the opening fence, from 1
	info    string // what stands behind the opening fence
	text    string
	section string // the heading that it stands under
	output  *block // the block marked text that follows with nothing in between
}

// blocks returns the fenced code blocks of a Markdown text.
func blocks(markdown string) []*block {
	var (
		found   []*block
		open    *block // not nil inside a block
		fence   string // that opened it
		indent  string // before that fence
		last    *block // the block that ended with nothing but blank lines since
		section string
		text    strings.Builder
	)
	number := 0
	for line := range strings.Lines(markdown) {
		number++
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " ")
		if open != nil {
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, fence[:1]+" ") == "" {
				open.text = text.String()
				last, open = open, nil
				continue
			}
			text.WriteString(strings.TrimPrefix(line, indent) + "\n")
			continue
		}
		switch {
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			info := strings.TrimLeft(trimmed, trimmed[:1])
			fence = trimmed[:len(trimmed)-len(info)]
			indent = line[:len(line)-len(trimmed)]
			open = &block{line: number, info: strings.TrimSpace(info), section: section}
			found = append(found, open)
			text.Reset()
			if last != nil && open.info == "text" {
				last.output = open
			}
			last = nil
		case strings.HasPrefix(line, "#"):
			section = strings.TrimSpace(strings.TrimLeft(line, "#"))
			last = nil
		case trimmed != "":
			last = nil
		}
	}
	if open != nil {
		open.text = text.String()
	}
	return found
}

// isGo reports whether the block is marked as Go in any spelling, so that a
// wrong one is refused and not passed over.
func isGo(b *block) bool {
	language, _, _ := strings.Cut(b.info, " ")
	return strings.HasPrefix(strings.ToLower(language), "go")
}
