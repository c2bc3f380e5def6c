package snippets

import (
	"fmt"
	"path"
	"strings"
)

// index is where a reader begins in a folder.
const index = "README.md"

// linkFaults returns the links of a document that lead nowhere. from is its path
// from the root, docs are all documents by theirs.
func linkFaults(from string, docs map[string]*text, has *tree) []fault {
	var faults []fault
	for _, l := range docs[from].links {
		to, anchor := resolve(from, l.target)
		if to == "" {
			continue
		}
		if !has.files[to] {
			faults = append(faults, fault{l.line, fmt.Sprintf("the link to %s leads nowhere: there is no %s", l.target, to)})
			continue
		}
		if anchor == "" {
			continue
		}
		if doc := docs[to]; doc == nil || !doc.hasHeading(anchor) {
			faults = append(faults, fault{l.line, fmt.Sprintf("%s has no heading whose anchor is #%s", to, anchor)})
		}
	}
	return faults
}

// resolve returns where a link leads within the repository, or "".
func resolve(from, target string) (to, anchor string) {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return "", ""
	}
	target, anchor, _ = strings.Cut(target, "#")
	if target == "" {
		return from, anchor
	}
	return path.Join(path.Dir(from), target), anchor
}

func (t *text) hasHeading(anchor string) bool {
	for _, h := range t.headings {
		if h.anchor == anchor {
			return true
		}
	}
	return false
}

// reachable returns the documents that links lead to, from the one given. A link
// to a folder leads to its index.
func reachable(from string, docs map[string]*text) map[string]bool {
	seen := map[string]bool{from: true}
	queue := []string{from}
	for len(queue) > 0 {
		doc := queue[0]
		queue = queue[1:]
		for _, l := range docs[doc].links {
			to, _ := resolve(doc, l.target)
			if docs[to] == nil {
				to = path.Join(to, index)
			}
			if docs[to] != nil && !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
	return seen
}
