package snippets

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A fault is something that a document says and that is not so.
type fault struct {
	line int
	what string
}

var (
	aPath      = regexp.MustCompile(`^(?:\./)?[A-Za-z0-9._-]+(?:/[A-Za-z0-9._*-]+)*/?$`)
	moduleName = regexp.MustCompile(`^(?:backend|codec|genstore|hooks|near|provider)-[a-z]+$`)
	testFile   = regexp.MustCompile(`^\w+_test\.go$`)
	qualified  = regexp.MustCompile(`^[*\[\]]*([A-Za-z]\w*)\.([A-Z]\w*)(?:\.([A-Z]\w*))?`)
	telling    = regexp.MustCompile(`^(?:Reason|Err|Default)[A-Z]\w*$`)
	target     = regexp.MustCompile(`^[a-z][a-z-]*$`)
	setting    = regexp.MustCompile(`^[A-Z_]+=`)
)

// references returns what a document names and the tree has not.
func references(doc *text, has *tree) []fault {
	var faults []fault
	report := func(line int, format string, args ...any) {
		faults = append(faults, fault{line, fmt.Sprintf(format, args...)})
	}
	for _, name := range doc.names {
		if !has.hasTest(name.text) && !has.exports(name.text) {
			report(name.line, "%s is no test, benchmark, fuzz target or example of this repository", name.text)
		}
	}
	for _, s := range doc.subtests {
		if has.hasTest(s.test) && !has.hasPart(s.test, s.name) {
			report(s.line, "%s has no part %q", s.test, s.name)
		}
	}
	for _, s := range doc.spans {
		words := commandWords(s.text)
		switch {
		case len(words) == 0:
		case words[0] == "make":
			for _, word := range words[1:] {
				if target.MatchString(word) && !has.targets[word] {
					report(s.line, "the Makefile has no target %s", word)
				}
			}
		case words[0] == "go":
			for _, what := range commandFaults(words, has) {
				report(s.line, "%s: %s", s.text, what)
			}
		case !s.own && len(words) == 1:
			if what := nameFault(words[0], has); what != "" {
				report(s.line, "%s", what)
			}
		}
	}
	return faults
}

// commandFaults returns what is wrong with a go command.
func commandFaults(words []string, has *tree) (faults []string) {
	var folders []string
	patterns := make(map[string]string) // by flag
	if len(words) < 2 || !slices.Contains([]string{"build", "run", "test", "vet"}, words[1]) {
		return nil
	}
	for i, word := range words {
		switch {
		case strings.HasPrefix(word, "./"):
			folders = append(folders, word)
			if bare := strings.TrimSuffix(path.Clean(word), "..."); !has.files[path.Clean("./"+bare)] {
				faults = append(faults, "there is no "+word)
			}
		case word == "-C" && i+1 < len(words):
			if !has.files[path.Clean(words[i+1])] {
				faults = append(faults, "there is no "+words[i+1])
			}
		case slices.Contains([]string{"-run", "-bench", "-fuzz"}, word) && i+1 < len(words):
			patterns[word] = words[i+1]
		}
	}
	if words[1] != "test" {
		return faults
	}
	for flag, pattern := range patterns {
		if pattern == "^$" || pattern == "." {
			continue
		}
		first, _, _ := strings.Cut(pattern, "/")
		for _, alternative := range strings.Split(first, "|") {
			re, err := regexp.Compile(alternative)
			if err != nil {
				faults = append(faults, err.Error())
			} else if !has.runs(re, flag == "-bench", folders) {
				faults = append(faults, fmt.Sprintf("%s %s selects nothing there", flag, alternative))
			}
		}
	}
	return faults
}

// nameFault returns what is wrong with a code span of one word, or "".
func nameFault(word string, has *tree) string {
	word = strings.TrimSuffix(word, ",")
	if aPath.MatchString(word) {
		first, _, _ := strings.Cut(strings.TrimPrefix(word, "./"), "/")
		ours := has.files[first] && strings.Contains(word, "/") || moduleName.MatchString(first)
		if ours && !strings.Contains(word, "*") && !has.files[strings.TrimSuffix(path.Clean(word), "/...")] {
			return fmt.Sprintf("there is no %s in this repository", word)
		}
	}
	if testFile.MatchString(word) && !has.bases[word] {
		return fmt.Sprintf("no file is named %s", word)
	}
	if telling.MatchString(word) {
		if has.exports(word) {
			return ""
		}
		return fmt.Sprintf("no package exports %s", word)
	}
	m := qualified.FindStringSubmatch(word)
	if m == nil {
		return ""
	}
	owner, name, member := m[1], m[2], m[3]
	if exported, ok := has.exported[owner]; ok {
		switch {
		case !exported[name]:
			return fmt.Sprintf("package %s does not export %s", owner, name)
		case member != "" && !has.members[name][member]:
			return fmt.Sprintf("%s.%s has no %s", owner, name, member)
		}
		return ""
	}
	if members, ok := has.members[owner]; ok && !members[name] {
		return fmt.Sprintf("no type %s has a field or method %s", owner, name)
	}
	return ""
}

// commandWords returns the words of a command without the settings before it.
func commandWords(line string) []string {
	words := shellWords(line)
	for len(words) > 0 && setting.MatchString(words[0]) {
		words = words[1:]
	}
	return words
}

// shellWords splits a command line at blanks outside of quotes, up to a comment.
func shellWords(line string) []string {
	var words []string
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ' || r == '\t':
			end()
		case r == '#' && !begun:
			return words
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return words
}
