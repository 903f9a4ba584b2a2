package deploy

import (
	"fmt"
	"io"
	"strings"

	"tocsin/desk"
	"tocsin/rules"
)

// describeScore prints a score in words: each part with its points, then the bands of the total.
func describeScore(w io.Writer, p *rules.Pack, sc *rules.Score) {
	page := desk.ScorePage(sc)
	fmt.Fprintf(w, "  score %s (%s)%s\n", sc.ID, cited(p, sc.Source), scope(sc))
	for _, part := range page.Parts {
		name := part.Code
		if part.Quantity != nil {
			name = part.Quantity.String()
		}
		for _, t := range part.Tables {
			fmt.Fprintf(w, "    %s%s: %s\n", name, tableFor(t), cells(t.Cells))
		}
		for _, row := range part.Rows {
			fmt.Fprintf(w, "    %s: %s → %d\n", name, row.When, row.Points)
		}
	}
	for _, b := range sc.Bands {
		from := fmt.Sprintf("from %d", b.From)
		if b.Single {
			from = fmt.Sprintf("one part with %d", sc.Single)
		}
		line := fmt.Sprintf("    band %s, %s: %s  %s · %s", b.Name, from, gravity(b.Severity, b.Danger), b.En, b.Zh)
		fmt.Fprintln(w, strings.TrimRight(line, " ·"))
	}
}

// scope tells whom a score is for; empty: everybody.
func scope(sc *rules.Score) string {
	var all []string
	if sc.AgeFrom > 0 {
		all = append(all, fmt.Sprintf("from %d years", sc.AgeFrom))
	}
	if sc.MonthsFrom > 0 {
		all = append(all, fmt.Sprintf("from %d months", sc.MonthsFrom))
	}
	if sc.MonthsTo > 0 {
		all = append(all, fmt.Sprintf("under %d months", sc.MonthsTo))
	}
	if !sc.Pregnant {
		all = append(all, "not in pregnancy")
	}
	if len(all) == 0 {
		return ""
	}
	return ", " + strings.Join(all, ", ")
}

func tableFor(t desk.PackTable) string {
	var of []string
	if t.Scale > 0 {
		of = append(of, fmt.Sprintf("scale %d", t.Scale))
	}
	if t.Oxygen != "" {
		of = append(of, map[string]string{"air": "on air", "oxygen": "on oxygen"}[t.Oxygen])
	}
	if len(of) == 0 {
		return ""
	}
	return " (" + strings.Join(of, ", ") + ")"
}

// cells prints a table from low to high: ≤8 → 3, ≤11 → 1, above → 0.
func cells(all []desk.PackCells) string {
	var out []string
	for _, c := range all {
		bound := "above"
		switch {
		case c.To != nil:
			bound = "≤" + c.To.String()
		case c.Below != nil:
			bound = "<" + c.Below.String()
		case len(all) == 1:
			bound = "any"
		}
		out = append(out, fmt.Sprintf("%s → %d", bound, c.Points))
	}
	return strings.Join(out, ", ")
}
