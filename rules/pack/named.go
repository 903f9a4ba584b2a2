package pack

import "github.com/goccy/go-yaml/ast"

// Named is one case of a file of cases, as its author wrote it.
type Named struct {
	Name string
	Line int // on which it begins; what goes otherwise than expected is told with a line from here on
}

// CaseNames answers the cases of a file in their order. What is wrong with the file RunCases says.
func CaseNames(text string) []Named {
	var all []Named
	r := &reader{}
	root := r.parse(text)
	if root == nil {
		return nil
	}
	r.mapping(root, "a file of cases", fields{"pack!": func(ast.Node) {}, "cases!": func(n ast.Node) {
		r.each(n, "cases", func(n ast.Node) {
			c := Named{Line: 1}
			if t := n.GetToken(); t != nil && t.Position != nil {
				c.Line = t.Position.Line
			}
			for _, kv := range r.pairs(n, "a case") {
				if kv.Key.String() == "name" {
					c.Name, _ = r.word(plain(kv.Value))
				}
			}
			all = append(all, c)
		})
	}})
	return all
}
