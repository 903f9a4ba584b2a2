package rules

import (
	"strings"

	"tocsin/streams/event"
)

// phrase is how people call what a window function answers: {n} is the series, {l} the length.
type phrase struct{ zh, en, unit string }

// sameUnit stands for the unit of the series.
const sameUnit = "="

var phrases = map[string]phrase{
	"last":        {"{n}", "{n}", sameUnit},
	"previous":    {"{n}前一次", "{n} before", sameUnit},
	"change":      {"{n}较前一次", "change of {n}", sameUnit},
	"age":         {"{n}距今", "{n} measured", "min"},
	"mean":        {"{n} {l}均值", "mean {n} over {l}", sameUnit},
	"min":         {"{n} {l}最低", "lowest {n} in {l}", sameUnit},
	"max":         {"{n} {l}最高", "highest {n} in {l}", sameUnit},
	"count":       {"{n} {l}次数", "readings of {n} in {l}", ""},
	"spread":      {"{n} {l}标准差", "spread of {n} over {l}", sameUnit},
	"delta":       {"{n} {l}变化", "change of {n} over {l}", sameUnit},
	"rise":        {"{n} {l}内上升", "rise of {n} within {l}", sameUnit},
	"fall":        {"{n} {l}内下降", "fall of {n} within {l}", sameUnit},
	"slope":       {"{n} {l}每日变化", "{n} a day over {l}", sameUnit},
	"trend":       {"{n} {l}每日变化", "{n} a day over {l}", sameUnit},
	"ewma":        {"{n}加权均值", "weighted mean of {n}", sameUnit},
	"cusum_up":    {"{n}累积上偏", "{n}, sum above usual", sameUnit},
	"cusum_down":  {"{n}累积下偏", "{n}, sum below usual", sameUnit},
	"baseline":    {"{n}平时", "usual {n}", sameUnit},
	"deviation":   {"{n}偏离平时（倍）", "{n}, spreads away from usual", ""},
	"in_range":    {"{n} {l}达标比例", "{n} in range over {l}", "%"},
	"days":        {"{n} {l}测量天数", "days with {n} in {l}", ""},
	"days_in_row": {"{n}连续天数", "{n}, days in a row", ""},
	"day_mean":    {"{n}家庭均值", "home mean of {n}", sameUnit},
}

// calls answers how an input of a condition is called for people, and its unit.
func (s *shown) calls(p *Pack) (zh, en, unit string) {
	zh, en = p.calls(s.series)
	unit = p.unitOf(s.series)
	if s.function == "" {
		return zh, en, unit
	}
	x, known := phrases[s.function]
	if !known {
		return s.name, s.name, ""
	}
	lzh, len := length(s.lengthMs)
	if s.lengthMs%86_400_000 == 0 && s.lengthMs > 0 {
		d := event.Decimal(s.lengthMs/86_400_000) * event.One
		lzh, len = d.String()+" 天", d.String()+" d"
	}
	if x.unit != sameUnit {
		unit = x.unit
	}
	return strings.NewReplacer("{n}", zh, "{l}", lzh).Replace(x.zh), strings.NewReplacer("{n}", en, "{l}", len).Replace(x.en), unit
}

// calls answers how a name of conditions is called for people.
func (p *Pack) calls(name string) (zh, en string) {
	switch name {
	case AgeYears, AgeMonths:
		return "年龄", "the age"
	}
	if q, err := event.ParseQuantity(name); err == nil {
		return names[q].zh, names[q].en
	}
	if q := p.question(name); q != nil {
		return strings.TrimRight(q.Zh, "？?"), strings.TrimRight(q.En, "？?")
	}
	for i := range p.Facts {
		if p.Facts[i].Name == name {
			return p.Facts[i].Zh, p.Facts[i].En
		}
	}
	return name, name
}

// says answers an input's value as people read it.
func (s *shown) says(d event.Decimal, unit string) (zh, en string) {
	if s.truth {
		if d >= event.One {
			return "是", "yes"
		}
		return "否", "no"
	}
	if q, err := event.ParseQuantity(s.series); err == nil && s.function == "" {
		return value(q, d)
	}
	v := d.RoundTo(hundredth).String()
	if unit != "" && unit[0] != '{' {
		v += " " + strings.NewReplacer("mm[Hg]", "mmHg", "Cel", "°C").Replace(unit)
	}
	return v, v
}

// Words answers what the rule says, with the pack's own numbers where it names its params in braces.
func (r *Rule) Words() (zh, en string) {
	return r.WordsWith(func(p *Param) event.Decimal { return p.Value })
}

// WordsWith fills the params that the rule's text names in braces with the numbers that hold.
func (r *Rule) WordsWith(holds func(*Param) event.Decimal) (zh, en string) {
	if !strings.Contains(r.Zh, "{") && !strings.Contains(r.En, "{") {
		return r.Zh, r.En
	}
	var pairs []string
	for i := range r.Params {
		pairs = append(pairs, "{"+r.Params[i].Name+"}", holds(&r.Params[i]).RoundTo(hundredth).String())
	}
	fill := strings.NewReplacer(pairs...)
	return fill.Replace(r.Zh), fill.Replace(r.En)
}
