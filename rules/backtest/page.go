package backtest

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

// words chooses between two languages; both are shown side by side when neither was chosen.
type words string

func (w words) say(zh, en string) string {
	switch w {
	case "zh":
		return zh
	case "en":
		return en
	default:
		return zh + " · " + en
	}
}

// Page writes a page that stands by itself: no script, no font and no picture from anywhere. lang is zh, en or both.
func (r *Report) Page(w io.Writer, lang string) error {
	say := words(lang).say
	t, err := template.New("page").Funcs(template.FuncMap{"say": say}).Parse(pageText)
	if err != nil {
		return err
	}
	html := lang
	if lang == "both" {
		html = "zh"
	}
	var lines []pageLine
	for _, l := range r.lines() {
		lines = append(lines, pageLine{strings.TrimSpace(say(strings.TrimSpace(l.zh), strings.TrimSpace(l.en))), strings.HasPrefix(l.en, " "), l.values})
	}
	return t.Execute(w, map[string]any{"R": r, "Lang": html, "Lines": lines, "Kinds": r.kindLines(say), "Plots": r.plots(say), "Rules": r.RuleNames(),
		"From": r.Span.From.String(), "To": r.Span.To.String(), "Days": fmt.Sprintf("%.1f", r.Days), "Within": hours(r.Tolerance), "Lead": hours(r.Lead),
		"Cut": r.Reached < r.Span.To, "Reached": r.Reached.String()})
}

type pageLine struct {
	Name   string
	Sub    bool
	Values [2]string
}

type kindLine struct {
	Name  string
	Count int
	Shift string
}

func (r *Report) kindLines(say func(zh, en string) string) (all []kindLine) {
	for _, k := range []struct {
		kind   Kind
		zh, en string
	}{{Equal, "同时", "same moment"}, {Earlier, "更早", "earlier"}, {Later, "更晚", "later"}, {New, "新增", "new"}, {Lost, "消失", "lost"}} {
		all = append(all, kindLine{say(k.zh, k.en), r.Kinds[k.kind], r.shift(k.kind)})
	}
	return append(all, kindLine{say("定级更重", "raised graver"), r.Graver, ""}, kindLine{say("定级更轻", "raised milder"), r.Milder, ""})
}

// plot is one picture with what it shows.
type plot struct {
	Title string
	SVG   template.HTML
}

func (r *Report) plots(say func(zh, en string) string) []plot {
	all := []plot{
		{say("每100患者日预警数，按级别", "Warnings per 100 patient-days, by severity"), r.bySeverity(say)},
		{say("每100患者日预警数，按规则", "Warnings per 100 patient-days, by rule"), r.byRule()},
		{say("每天的预警数", "Warnings on each day"), r.byDay()},
		{say("候选版本提前或推迟了多久", "How much earlier or later the candidate warned"), r.byShift(say)},
	}
	if r.HasLabels {
		all = append(all, plot{say("ROC 曲线（按患者日）", "ROC curve of patient-days"), r.curve()},
			plot{say("提前时间：达到该提前量的结局比例", "Lead time: share of outcomes found at least so long before"), r.leadCurve()})
	}
	return all
}

// drawing gathers an SVG. Everything that comes from packs goes through text, which escapes it.
type drawing struct {
	b    strings.Builder
	w, h float64
}

const drawn = 640

var colours = [2]string{"#8a8f98", "#c2410c"}

func newDrawing(h float64) *drawing {
	d := &drawing{w: drawn, h: h}
	fmt.Fprintf(&d.b, `<svg viewBox="0 0 %d %.0f" role="img">`, drawn, h)
	return d
}

func (d *drawing) rect(x, y, w, h float64, colour, title string) {
	fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>`, x, y, max(w, 0), max(h, 0), colour, template.HTMLEscapeString(title))
}

func (d *drawing) text(x, y float64, anchor, s string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(s))
}

func (d *drawing) line(x1, y1, x2, y2 float64) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x1, y1, x2, y2)
}

func (d *drawing) path(points [][2]float64, colour string) {
	if len(points) == 0 {
		return
	}
	fmt.Fprintf(&d.b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour)
	for _, p := range points {
		fmt.Fprintf(&d.b, "%.1f,%.1f ", p[0], p[1])
	}
	d.b.WriteString(`"/>`)
}

// end answers the picture. Its text was escaped piece by piece, and the rest is written here.
func (d *drawing) end() template.HTML {
	d.b.WriteString("</svg>")
	return template.HTML(d.b.String()) //nolint:gosec // see above
}

// bars draws two bars for each name.
func (r *Report) bars(names []string, value func(k, i int) (v float64, n int)) template.HTML {
	const left, row = 200, 34
	top := 0.0
	for i := range names {
		for k := range 2 {
			v, _ := value(k, i)
			top = max(top, v)
		}
	}
	d := newDrawing(float64(len(names)*row + 10))
	for i, name := range names {
		y := float64(i*row + 6)
		d.text(left-8, y+17, "end", name)
		for k := range 2 {
			v, n := value(k, i)
			width := 0.0
			if top > 0 {
				width = v / top * (drawn - left - 110)
			}
			d.rect(left, y+float64(k*12), width, 11, colours[k], fmt.Sprintf("%s: %.2f (%d)", r.Sides[k].Name, v, n))
			d.text(left+width+5, y+float64(k*12)+10, "start", fmt.Sprintf("%.2f (%d)", v, n))
		}
	}
	return d.end()
}

func (r *Report) bySeverity(say func(zh, en string) string) template.HTML {
	var names []string
	for _, s := range severities {
		names = append(names, say(severityZh[s], s.String()))
	}
	return r.bars(names, func(k, i int) (float64, int) {
		n := r.Sides[k].Severity[severities[i]]
		return r.Per100(n), n
	})
}

const rulesDrawn = 20

func (r *Report) byRule() template.HTML {
	names := r.RuleNames()
	names = names[:min(len(names), rulesDrawn)]
	return r.bars(names, func(k, i int) (float64, int) {
		n := r.Sides[k].Rules[names[i]]
		return r.Per100(n), n
	})
}

func (r *Report) byDay() template.HTML {
	const left, bottom, high = 40, 170, 150
	d := newDrawing(200)
	top := 1
	for k := range r.Sides {
		for _, n := range r.Sides[k].Daily {
			top = max(top, n)
		}
	}
	d.line(left, bottom, drawn-10, bottom)
	d.text(left-6, bottom-high+5, "end", fmt.Sprint(top))
	d.text(left-6, bottom, "end", "0")
	days := len(r.Sides[0].Daily)
	step := (drawn - left - 10) / float64(max(days, 1))
	for k := range r.Sides {
		for i, n := range r.Sides[k].Daily {
			h := float64(n) / float64(top) * high
			d.rect(left+float64(i)*step+float64(k)*step*0.4+step*0.1, bottom-h, step*0.4, h, colours[k], fmt.Sprintf("%.10s: %d", r.Span.From.Add(time.Duration(i)*24*time.Hour), n))
		}
	}
	d.text(left, bottom+18, "start", fmt.Sprintf("%.10s", r.Span.From))
	d.text(drawn-10, bottom+18, "end", fmt.Sprintf("%.10s", r.Span.To))
	return d.end()
}

// byShift counts pairs by how much the candidate moved them, in steps of a twelfth of the tolerance.
func (r *Report) byShift(say func(zh, en string) string) template.HTML {
	const half, bottom, high = 12, 150, 120
	var bins [2*half + 1]int
	top := 1
	for _, s := range r.shifts(Earlier, Later, Equal) {
		i := half
		if r.Tolerance > 0 && s.Abs() > Same {
			i += int(math.Copysign(math.Ceil(math.Abs(float64(s)/float64(r.Tolerance))*half), float64(s)))
		}
		bins[i]++
		top = max(top, bins[i])
	}
	d := newDrawing(190)
	step := float64(drawn-20) / float64(len(bins))
	for i, n := range bins {
		h := float64(n) / float64(top) * high
		d.rect(10+float64(i)*step+1, bottom-h, step-2, h, colours[1], fmt.Sprint(n))
		if n > 0 {
			d.text(10+(float64(i)+0.5)*step, bottom-h-4, "middle", fmt.Sprint(n))
		}
	}
	d.line(10, bottom, drawn-10, bottom)
	d.text(10, bottom+18, "start", say("更早 ", "earlier ")+hours(r.Tolerance))
	d.text(drawn/2, bottom+18, "middle", say("同时", "same"))
	d.text(drawn-10, bottom+18, "end", say("更晚 ", "later ")+hours(r.Tolerance))
	return d.end()
}

const (
	squareLeft, squareTop, squareSide = 60, 10, 260
)

func square() *drawing {
	d := newDrawing(300)
	d.line(squareLeft, squareTop, squareLeft, squareTop+squareSide)
	d.line(squareLeft, squareTop+squareSide, squareLeft+squareSide, squareTop+squareSide)
	d.text(squareLeft-6, squareTop+8, "end", "1")
	d.text(squareLeft-6, squareTop+squareSide, "end", "0")
	return d
}

func (r *Report) curve() template.HTML {
	d := square()
	d.line(squareLeft, squareTop+squareSide, squareLeft+squareSide, squareTop)
	for k := range r.Sides {
		t := r.Sides[k].Truth
		if !t.HasArea {
			continue
		}
		points := [][2]float64{{squareLeft, squareTop + squareSide}}
		for _, p := range t.Curve {
			points = append(points, [2]float64{squareLeft + p.FalsePositive*squareSide, squareTop + (1-p.TruePositive)*squareSide})
		}
		d.path(points, colours[k])
		d.text(squareLeft+squareSide+20, float64(squareTop+20+20*k), "start", fmt.Sprintf("%s: %.3f", r.Sides[k].Name, t.Area))
	}
	return d.end()
}

func (r *Report) leadCurve() template.HTML {
	d := square()
	d.text(squareLeft, squareTop+squareSide+18, "middle", hours(r.Lead))
	d.text(squareLeft+squareSide, squareTop+squareSide+18, "middle", "0")
	for k := range r.Sides {
		t := r.Sides[k].Truth
		if t.Outcomes == 0 || r.Lead <= 0 {
			continue
		}
		points := [][2]float64{{squareLeft, squareTop + squareSide}}
		for i := len(t.Leads) - 1; i >= 0; i-- {
			x := squareLeft + (1-float64(t.Leads[i])/float64(r.Lead))*squareSide
			y := points[len(points)-1][1]
			points = append(points, [2]float64{x, y}, [2]float64{x, squareTop + (1-float64(len(t.Leads)-i)/float64(t.Outcomes))*squareSide})
		}
		points = append(points, [2]float64{squareLeft + squareSide, points[len(points)-1][1]})
		d.path(points, colours[k])
		d.text(squareLeft+squareSide+20, float64(squareTop+20+20*k), "start", fmt.Sprintf("%s: %d/%d", r.Sides[k].Name, t.Found, t.Outcomes))
	}
	return d.end()
}
