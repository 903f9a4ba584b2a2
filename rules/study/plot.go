package study

import (
	"fmt"
	"math"
	"strings"
)

// Plots are small SVG pictures, written by hand so that they are the same bytes for the same numbers.
const (
	plotWide, plotHigh = 560, 400
	plotLeft, plotTop  = 64, 34
	plotRight, plotLow = 540, 350
)

var inks = []string{"#1f5fa8", "#b4561e", "#2b7a4b", "#7a3b8f", "#8a7414", "#555555", "#b0305c", "#0f7c8a"}

// series is one line of a plot.
type series struct {
	name   string
	points [][2]float64
	dots   bool
}

// frame draws axes from 0 to the greatest value and the lines in it.
func frame(title, x, y string, right, top float64, lines []series) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", plotWide, plotHigh, plotWide, plotHigh)
	fmt.Fprintf(&b, `<title>%s</title><rect width="100%%" height="100%%" fill="#ffffff"/>`+"\n", escape(title))
	fmt.Fprintf(&b, `<text x="%d" y="20" font-size="14">%s</text>`+"\n", plotLeft, escape(title))
	for i := range 6 {
		at := float64(i) / 5
		px, py := across(at, 1), up(at, 1)
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d M%d %.1fH%d" stroke="#dddddd" fill="none"/>`+"\n", px, plotTop, plotLow, plotLeft, py, plotRight)
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%s</text><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n", px, plotLow+16, short(at*right), plotLeft-6, py+4, short(at*top))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text><text transform="translate(16 %d) rotate(-90)" text-anchor="middle">%s</text>`+"\n", (plotLeft+plotRight)/2, plotHigh-12, escape(x), (plotTop+plotLow)/2, escape(y))
	for i, s := range lines {
		ink := inks[i%len(inks)]
		var path []string
		for _, p := range s.points {
			path = append(path, fmt.Sprintf("%.1f,%.1f", across(p[0], right), up(p[1], top)))
			if s.dots {
				fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", across(p[0], right), up(p[1], top), ink)
			}
		}
		fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="1.6"/>`+"\n", strings.Join(path, " "), ink)
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s" text-anchor="end">%s</text>`+"\n", plotRight-6, plotLow-8-14*(len(lines)-1-i), ink, escape(s.name))
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func across(v, right float64) float64 { return plotLeft + v/right*(plotRight-plotLeft) }
func up(v, top float64) float64       { return plotLow - v/top*(plotLow-plotTop) }

func short(v float64) string {
	if v == math.Trunc(v) {
		return fmt.Sprintf("%.0f", v)
	}
	return strings.TrimRight(fmt.Sprintf("%.2f", v), "0")
}

func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// Plots answers the pictures of a report by file name.
func (r *Report) Plots() map[string]string {
	all := map[string]string{}
	var curves []series
	for _, s := range r.Scores {
		curves = append(curves, curve(s.Pack, s.AUROC, s.ROC))
	}
	for _, s := range r.Stays {
		curves = append(curves, curve(s.Pack, s.AUROC, s.curve))
	}
	if len(curves) > 0 {
		all["roc.svg"] = frame("ROC", "1 - specificity", "sensitivity", 1, 1, curves)
	}
	all["burden.svg"] = r.burden()
	if len(r.Packs) > 0 {
		all["lead.svg"] = histogram(r.shown())
	}
	return all
}

func curve(name string, area float64, points []Point) series {
	s := series{name: fmt.Sprintf("%s (%.3f)", name, area), points: [][2]float64{{0, 0}}}
	for _, p := range points {
		s.points = append(s.points, [2]float64{p.FalsePositive, p.TruePositive})
	}
	return s
}

// burden draws sensitivity against warnings a patient-day.
func (r *Report) burden() string {
	var lines []series
	most := 0.1
	for k := range r.Packs {
		o := &r.Packs[k]
		if o.Half != r.Half {
			continue
		}
		name := o.Pack
		if len(lines) == 0 || lines[len(lines)-1].name != name {
			lines = append(lines, series{name: name, dots: true})
		}
		s := &lines[len(lines)-1]
		s.points = append(s.points, [2]float64{o.PerDay(), o.Sensitivity()})
		most = max(most, o.PerDay())
	}
	return frame("Sensitivity and burden, half "+r.Half, "warnings a patient-day", "sensitivity", math.Ceil(most*10)/10, 1, lines)
}

// histogram draws the lead times of one pack, hour by hour.
func histogram(o *Outcome) string {
	wide := 0.0
	for _, h := range o.LeadHours {
		wide = max(wide, math.Ceil(h))
	}
	wide = max(wide, 1)
	step := max(1, math.Ceil(wide/24))
	counts := make([]float64, int(wide/step)+1)
	most := 1.0
	for _, h := range o.LeadHours {
		if i := int(max(h, 0) / step); i < len(counts) {
			counts[i]++
			most = max(most, counts[i])
		}
	}
	s := series{}
	for i, n := range counts {
		from := float64(i) * step
		s.points = append(s.points, [2]float64{from, 0}, [2]float64{from, n}, [2]float64{from + step, n}, [2]float64{from + step, 0})
	}
	title := fmt.Sprintf("Lead time: %s, half %s, %d targets found", o.Name(), o.Half, o.Found)
	return frame(title, "hours from the first warning to the target", "targets", float64(len(counts))*step, math.Ceil(most/5)*5, []series{s})
}
