package condition

import (
	"fmt"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
)

// What the parser says, as far as there are words for a clinician. The rest is passed on as it is.
var (
	unread   = regexp.MustCompile(`(?s)^token recognition error at: '(.*)'$`)
	surplus  = regexp.MustCompile(`(?s)^(?:mismatched|extraneous) input '(.*?)' expecting (.*)$`)
	lacking  = regexp.MustCompile(`(?s)^missing '(.)' at '(.*)'$`)
	unviable = regexp.MustCompile(`(?s)^no viable alternative at input '(.*)'$`)
	kept     = regexp.MustCompile(`^reserved identifier: (.*)$`)
)

// instead of what somebody may have written, this is what conditions have.
var instead = map[string]string{
	"and": "&&", "or": "||", "not": "!", "AND": "&&", "OR": "||", "NOT": "!", "&": "&&", "|": "||", "=": "==", "<>": "!=", "≤": "<=", "≥": ">=", "≠": "!=", "×": "*", "÷": "/", "−": "-",
	"=>": ">=", "=<": "<=", "“": `"`, "”": `"`, "，": ",", "（": "(", "）": ")",
}

const nothing = "the condition is empty"

// syntax puts what the parser found into words. Once a sign of a line is not read, what the parser misses behind it in that
// line is mostly that sign, so it is told alone.
func syntax(text string, errs []*cel.Error) (faults Faults) {
	if strings.TrimSpace(text) == "" {
		return Faults{{1, 1, nothing}}
	}
	blind := -1 // the line in which a sign was not read
	for _, e := range errs {
		f := Fault{max(1, e.Location.Line()), max(1, e.Location.Column()+1), ""}
		says := strings.TrimPrefix(e.Message, "Syntax error: ")
		if unread.MatchString(says) {
			blind = f.Line
		} else if f.Line == blind {
			continue
		}
		f.Says = worded(says, before(text, f))
		faults = append(faults, f)
	}
	return faults
}

// before is the text of the line before a fault.
func before(text string, f Fault) string {
	lines := strings.Split(text, "\n")
	if f.Line < 1 || f.Line > len(lines) {
		return ""
	}
	line := []rune(lines[f.Line-1])
	return string(line[:max(0, min(f.Column-1, len(line)))])
}

func worded(says, before string) string {
	if m := unread.FindStringSubmatch(says); m != nil {
		return unknownSign(strings.TrimSpace(m[1]))
	}
	if m := surplus.FindStringSubmatch(says); m != nil {
		return unexpected(m[1], m[2], before)
	}
	if m := lacking.FindStringSubmatch(says); m != nil {
		return fmt.Sprintf("%s is missing %s", m[1], place(m[2]))
	}
	if m := unviable.FindStringSubmatch(says); m != nil {
		return fmt.Sprintf("%s cannot be read here", m[1])
	}
	if m := kept.FindStringSubmatch(says); m != nil {
		return m[1] + " is a word of the language and no name"
	}
	switch {
	case strings.HasPrefix(says, "invalid int literal"), strings.HasPrefix(says, "invalid double literal"):
		return "this number is too large"
	case strings.Contains(says, "recursion"):
		return fmt.Sprintf("the condition is nested more than %d deep: make it of smaller ones", maxDepth)
	case strings.Contains(says, "size exceeds limit"):
		return fmt.Sprintf("the text is longer than %d characters", maxText)
	}
	return says
}

func unknownSign(sign string) string {
	if strings.HasPrefix(sign, `"`) || strings.HasPrefix(sign, "'") {
		return "a quote is missing at the end of " + sign
	}
	if to := instead[sign]; to != "" {
		return fmt.Sprintf("%s is no sign of conditions: write %s", sign, to)
	}
	return sign + " is no sign of conditions"
}

// unexpected words what stands where something else is expected.
func unexpected(found, expected, before string) string {
	before = strings.TrimRight(before, " \t")
	last := before[max(0, len(before)-1):]
	switch to := instead[found]; {
	case to != "":
		return fmt.Sprintf("write %s for %s", to, found)
	case found == ">" && last == "<":
		return unknownSign("<>")
	case last == "%":
		return "the percent sign is left out behind a number"
	case endsIn(before, "not"):
		return fmt.Sprintf("write !%s for not %s", found, found)
	case expected == "<EOF>" && found == ")":
		return "there is one ) too many"
	case len(last) > 0 && last[0] >= '0' && last[0] <= '9' && strings.Trim(found, "smhdw") == "":
		return fmt.Sprintf(`a length is written in quotes, such as "24%s"`, found[:min(1, len(found))])
	case strings.HasPrefix(expected, "{"):
		return "a number, a name or a condition is missing " + place(found)
	case expected == "<EOF>":
		return fmt.Sprintf("the condition could end here, but %s follows: is a sign missing before it?", found)
	default:
		return fmt.Sprintf("%s is missing %s", strings.Trim(expected, "'"), place(found))
	}
}

// endsIn tells whether word is the last one of a text.
func endsIn(text, word string) bool {
	fields := strings.Fields(text)
	return len(fields) > 0 && fields[len(fields)-1] == word
}

func place(found string) string {
	if found == "<EOF>" {
		return "at the end"
	}
	return "before " + found
}
