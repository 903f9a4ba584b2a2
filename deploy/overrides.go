package deploy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// ruleFlags is what a command line changes of a pack's rules, for a patient or a group.
type ruleFlags struct {
	set, off, restore []string
	why               string
}

func (f *ruleFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "override", nil, "`RULE:PARAM=VALUE[@UNTIL]` changes a number of a rule (bound, of a limit); UNTIL is 14d, 36h, 2026-04-01 or 2026-04-01T08:00:00+08:00 (repeatable)")
	c.Flags().StringArrayVar(&f.off, "off", nil, "`RULE[@UNTIL]` switches a rule off (repeatable)")
	c.Flags().StringArrayVar(&f.restore, "restore", nil, "`RULE[:PARAM]` follows the pack again (repeatable)")
	c.Flags().StringVar(&f.why, "why", "", "`TEXT` beside what --override and --off change: it stands with every warning that rests on it")
}

// ruleOrders is ruleFlags, understood.
type ruleOrders struct {
	set     []event.Override
	restore []event.Override // rule, and param when not all of it
}

// parse reads the flags. now is from when lengths of time are counted. Who and when is the registrar's to say.
func (f *ruleFlags) parse(now event.Time) (o ruleOrders, err error) {
	for _, s := range f.set {
		one, err := parseOverride(s, now)
		if err != nil {
			return o, usage("--override %s: %w", s, err)
		}
		o.set = append(o.set, one)
	}
	for _, s := range f.off {
		rule, until, err := parseUntil(s, now)
		if err != nil || rule == "" || strings.ContainsAny(rule, ":=") {
			return o, usage("--off %s: want RULE[@UNTIL], such as spo2-88@14d (%v)", s, err)
		}
		o.set = append(o.set, event.Override{Rule: rule, Off: true, Until: until})
	}
	if f.why != "" && len(o.set) == 0 {
		return o, usage("--why stands beside --override or --off")
	}
	for i := range o.set {
		o.set[i].Why = f.why
		if slices.ContainsFunc(o.set[:i], func(b event.Override) bool { return contradicts(b, o.set[i]) }) {
			return o, usage("rule %s is changed twice", o.set[i].Rule)
		}
	}
	for _, s := range f.restore {
		rule, param, _ := strings.Cut(s, ":")
		if rule == "" {
			return o, usage("--restore %s: want RULE[:PARAM]", s)
		}
		o.restore = append(o.restore, event.Override{Rule: rule, Param: param})
	}
	return o, nil
}

// contradicts tells whether two overrides cannot stand beside each other: the same number, or a rule that is off and has one.
func contradicts(a, b event.Override) bool {
	return a.Rule == b.Rule && (a.Off || b.Off || a.Param == b.Param)
}

// parseOverride reads RULE:PARAM=VALUE[@UNTIL].
func parseOverride(s string, now event.Time) (event.Override, error) {
	s, until, err := parseUntil(s, now)
	if err != nil {
		return event.Override{}, err
	}
	what, number, ok := strings.Cut(s, "=")
	rule, param, ok2 := strings.Cut(what, ":")
	if !ok || !ok2 || rule == "" || !event.IsCode(param) {
		return event.Override{}, fmt.Errorf("want RULE:PARAM=VALUE[@UNTIL], such as spo2-88:bound=86@14d")
	}
	v, err := event.ParseDecimal(number)
	return event.Override{Rule: rule, Param: param, Value: &v, Until: until}, err
}

// parseUntil cuts @UNTIL off: a length of time from now, a date (its beginning here, where the command runs), or a moment.
func parseUntil(s string, now event.Time) (rest string, until *event.Time, err error) {
	rest, end, ok := strings.Cut(s, "@")
	if !ok {
		return rest, nil, nil
	}
	t, err := momentOf(end, now)
	if err == nil && t <= now {
		err = fmt.Errorf("%s has passed", end)
	}
	return rest, &t, err
}

func momentOf(s string, now event.Time) (event.Time, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n > 36_500 {
			return 0, fmt.Errorf("%q is no length of time such as 14d", s)
		}
		return now.Add(time.Duration(n) * 24 * time.Hour), nil
	}
	if d, err := time.ParseDuration(s); err == nil {
		return now.Add(d), nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return event.TimeOf(t), nil
	}
	t, err := event.ParseTime(s)
	if err != nil {
		return 0, fmt.Errorf("%q: want 14d, 36h, 2026-04-01 or 2026-04-01T08:00:00+08:00", s)
	}
	return t, nil
}

// over lays the orders over what stands: first what follows the pack again goes, then each order takes the place of what
// it contradicts.
func (o ruleOrders) over(standing []event.Override) []event.Override {
	all := slices.DeleteFunc(standing, func(b event.Override) bool {
		return slices.ContainsFunc(o.restore, func(r event.Override) bool { return r.Rule == b.Rule && (r.Param == "" || r.Param == b.Param) }) ||
			slices.ContainsFunc(o.set, func(s event.Override) bool { return contradicts(s, b) })
	})
	return append(all, o.set...)
}

// added answers the overrides of numbers and rules that were not changed before.
func added(now, before []event.Override) []event.Override {
	return slices.DeleteFunc(slices.Clone(now), func(o event.Override) bool {
		return slices.ContainsFunc(before, func(b event.Override) bool { return b.Rule == o.Rule && b.Param == o.Param })
	})
}

// knownRules refuses an override of a rule or number that none of these packs has: it would stand there and change nothing.
func knownRules(view *directory.View, packs []string, overrides []event.Override) error {
	if len(overrides) == 0 {
		return nil
	}
	all, err := packsFor(view, packs)
	if err != nil {
		return err
	}
	params := paramsFor(all)
	for _, s := range overrides {
		names, ok := params[s.Rule]
		switch {
		case !ok:
			return fmt.Errorf("no rule %s in pack %s; its rules are %s", s.Rule, joined(packs), joined(slices.Sorted(maps.Keys(params))))
		case !s.Off && len(names) == 0:
			return fmt.Errorf("rule %s has no number to change; it can be switched off", s.Rule)
		case !s.Off && !slices.Contains(names, s.Param):
			return fmt.Errorf("rule %s has no number %s; it has %s", s.Rule, s.Param, joined(slices.Compact(slices.Sorted(slices.Values(names)))))
		case voidsDanger(all, s):
			return fmt.Errorf("rule %s is of the danger band: it cannot be switched off, and its bound can only be met earlier; order the patient a target of his own instead (tocsin plan --help)", s.Rule)
		}
	}
	return nil
}

// voidsDanger tells whether an order would make less of the danger band of any of the packs: the rules would not take it.
func voidsDanger(all []*rules.Pack, o event.Override) bool {
	return slices.ContainsFunc(all, func(p *rules.Pack) bool { return !p.Takes(o) })
}

// packsFor answers the packs by which a patient with these packs can be judged: each alone, and all as one, where of two rules
// of one name that say different things the later has its pack's name before it (rules.Merge).
func packsFor(view *directory.View, packs []string) (all []*rules.Pack, err error) {
	for _, id := range packs {
		published, ok := view.Pack(id)
		if !ok {
			return nil, fmt.Errorf("there is no pack %s; publish it first", id)
		}
		p, err := pack.Compile(published.Text)
		if err != nil {
			return nil, fmt.Errorf("pack %s as published: %w", id, err)
		}
		all = append(all, p)
	}
	return append(all, rules.Merge(all, nil)), nil // each alone too: whose bounds hold depends on what is chosen
}

// paramsFor answers the numbers of each rule of several packs.
func paramsFor(all []*rules.Pack) map[string][]string {
	params := map[string][]string{}
	for _, p := range all {
		for rule, names := range paramsOf(p) {
			params[rule] = append(params[rule], names...)
		}
	}
	return params
}

// paramsOf answers the numbers of each rule of a pack that group or patient may change. A score has none, and can be switched off.
func paramsOf(p *rules.Pack) map[string][]string {
	all := map[string][]string{}
	for _, limits := range p.Limits {
		for _, l := range limits {
			all[l.ID] = []string{"bound"}
		}
	}
	for _, r := range p.Rules {
		all[r.ID] = nil
		for _, n := range r.Params {
			all[r.ID] = append(all[r.ID], n.Name)
		}
	}
	for _, s := range p.Scores {
		all[s.ID] = nil
	}
	return all
}
