package deploy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/rules/pack"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

const planExamples = `  tocsin plan demo P-0113 plan.yaml
  tocsin plan demo P-0113 --fact best_peak_flow_l_per_min=420 --fact usual_systolic_mmhg=150
  tocsin plan demo P-0113 --choose spo2_percent=copd
  tocsin plan demo P-0113 --override spo2-88:bound=86@14d --why "lives at 3,600 m"
  tocsin plan demo P-0113 --off pulse-40@2026-04-01 --why "pacemaker is being set"
  tocsin plan demo P-0113 --restore spo2-88 --fact usual_systolic_mmhg=
  tocsin plan demo P-0301 --age-months 30`

// planFlags is what a command line changes of a plan.
type planFlags struct {
	facts, choose []string
	months        int
	rules         ruleFlags
}

func planCommand() *cobra.Command {
	var r reach
	var f planFlags
	c := &cobra.Command{
		Use: "plan TENANT PATIENT [FILE]", Short: "Put a patient's own targets and orders into effect", Args: cobra.RangeArgs(2, 3), Example: planExamples,
		Long: "Put a patient's own targets and orders into effect. FILE (or -) is YAML or JSON, such as\n" +
			"  {targets: {spo2_percent: {low: 88, high: 92}}, cadence_ms: {spo2_percent: 28800000}, ordered_by: dr-1, ordered_at: 2026-03-01T08:00:00+08:00}\n" +
			"It replaces the plan before it. It beats what group and pack say. The flags change single things: of FILE, or without one of the plan that stands.\n" +
			"A changed rule says who asked and when; a rule, number or pack that the patient's packs do not have is refused, and a fact that no pack asks for.",
		RunE: func(c *cobra.Command, args []string) error {
			changed := slices.ContainsFunc([]string{"fact", "choose", "age-months", "override", "off", "restore"}, c.Flags().Changed)
			if len(args) == 2 && !changed {
				return usage("plan needs a FILE, or what to change; see tocsin plan --help")
			}
			orders, err := f.rules.parse(wall())
			if err != nil {
				return err
			}
			var plan event.Plan
			if len(args) == 3 {
				if err := readYAML(args[2], c.InOrStdin(), &plan); err != nil {
					return err
				}
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				if len(args) == 2 {
					plan = conn.standing(args[0], args[1])
				}
				if err := f.lay(&plan, c.Flags().Changed("age-months")); err != nil {
					return err
				}
				plan.Overrides = orders.over(plan.Overrides)
				if err := conn.checkPlan(args[0], args[1], plan); err != nil {
					return err
				}
				return conn.ask(ctx, &event.PlanRequested{Tenant: args[0], Patient: args[1], Plan: plan, By: by})
			})
		},
	}
	c.Flags().StringArrayVar(&f.facts, "fact", nil, "`NAME=VALUE` about the patient that a pack asks for; NAME= takes it away (repeatable)")
	c.Flags().IntVar(&f.months, "age-months", 0, "the age in completed `MONTHS`, for children; the years follow from it")
	c.Flags().StringArrayVar(&f.choose, "choose", nil, "`SIGNAL=PACK` whose bounds hold where several packs bound a signal; SIGNAL= takes it away (repeatable)")
	f.rules.add(c)
	r.add(c)
	return c
}

// standing answers a copy of the plan that a patient has; an empty one when there is none.
func (c *connection) standing(tenant, patient string) event.Plan {
	p, _ := c.view.Patient(tenant, patient)
	if p.Plan == nil {
		return event.Plan{}
	}
	plan := *p.Plan
	plan.Facts, plan.Chosen, plan.Overrides = maps.Clone(plan.Facts), maps.Clone(plan.Chosen), slices.Clone(plan.Overrides)
	return plan
}

// lay puts what the flags say of facts, age and choices into the plan.
func (f *planFlags) lay(plan *event.Plan, months bool) error {
	if months {
		plan.AgeMonths, plan.AgeYears = f.months, f.months/12
	}
	for _, s := range f.facts {
		name, value, ok := strings.Cut(s, "=")
		if !ok || !event.IsCode(name) {
			return usage("--fact %s: want NAME=VALUE, such as best_peak_flow_l_per_min=420", s)
		}
		if value == "" {
			delete(plan.Facts, name)
			continue
		}
		v, err := event.ParseDecimal(value)
		if err != nil {
			return usage("--fact %s: %w", s, err)
		}
		plan.Facts = with(plan.Facts, name, v)
	}
	for _, s := range f.choose {
		signal, pack, ok := strings.Cut(s, "=")
		q, err := event.ParseQuantity(signal)
		if !ok || err != nil {
			return usage("--choose %s: want SIGNAL=PACK, such as spo2_percent=copd", s)
		}
		if pack == "" {
			delete(plan.Chosen, q)
			continue
		}
		plan.Chosen = with(plan.Chosen, q, pack)
	}
	return nil
}

func with[K comparable, V any](m map[K]V, k K, v V) map[K]V {
	if m == nil {
		m = map[K]V{}
	}
	m[k] = v
	return m
}

// checkPlan refuses what would change nothing: a rule or number that none of the patient's packs has, and the choice of
// a pack that is not one of his. What stood in the plan before may stay: his groups and their packs may have changed since.
func (c *connection) checkPlan(tenant, patient string, plan event.Plan) error {
	p, ok := c.view.Patient(tenant, patient)
	if !ok || p.Group == "" {
		return nil // the registrar says so
	}
	var packs []string
	for _, group := range append([]string{p.Group}, p.Also...) {
		g, _ := c.view.Group(tenant, group)
		packs = append(packs, g.Pack)
	}
	before := c.standing(tenant, patient)
	for q, pack := range plan.Chosen {
		if before.Chosen[q] != pack && !slices.Contains(packs, pack) {
			return fmt.Errorf("%s cannot be judged by pack %s: the packs of %s are %s", q, pack, patient, joined(packs))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(plan.Facts)) {
		if _, stood := before.Facts[name]; !stood {
			if err := knownFact(c.view, name); err != nil {
				return err
			}
		}
	}
	return knownRules(c.view, packs, added(plan.Overrides, before.Overrides))
}

// knownFact refuses a fact that no pack asks for: it would stand in the plan, and the rules that wait for it would go on
// waiting. One that only packs of other groups ask for may be entered before the patient joins them.
func knownFact(view *directory.View, name string) error {
	if _, err := event.ParseQuantity(name); err == nil || name == "age_years" || name == "age_months" || name == "pregnant" {
		return nil // what is measured, or has its own place in the plan, is no fact: the registrar says so
	}
	asked := map[string]bool{}
	for _, published := range view.Packs() {
		p, err := pack.Compile(published.Text)
		if err != nil {
			return fmt.Errorf("pack %s as published: %w", published.Pack, err)
		}
		for _, f := range p.Facts {
			asked[f.Name] = true
		}
	}
	if asked[name] {
		return nil
	}
	return fmt.Errorf("no pack asks for the fact %s; packs ask for %s", name, joined(slices.Sorted(maps.Keys(asked))))
}

const groupExamples = `  tocsin group demo copd --pack copd --zh 慢阻肺 --en COPD
  tocsin group demo copd --override spo2-88:bound=87 --why "house rule, lung clinic"
  tocsin group demo copd --off spo2-88@30d
  tocsin group demo copd --restore spo2-88`

func groupCommand() *cobra.Command {
	var r reach
	var g event.GroupRequested
	var rules ruleFlags
	c := &cobra.Command{
		Use: "group TENANT GROUP [--pack PACK]", Short: "Say which pack a disease group uses, and what it changes of it", Args: cobra.ExactArgs(2), Example: groupExamples,
		Long: "Say which pack a disease group uses, and what it changes of the pack's rules for all of its patients. What is not named stays as it is;\n" +
			"with another pack the changed rules and cadences of the one before it are gone. A patient's own plan beats the group.",
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.ContainsFunc([]string{"pack", "zh", "en", "override", "off", "restore"}, c.Flags().Changed) {
				return usage("group needs --pack, or what to change")
			}
			orders, err := rules.parse(wall())
			if err != nil {
				return err
			}
			g.Tenant, g.Group, g.By = args[0], args[1], by
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				standing, _ := conn.view.Group(g.Tenant, g.Group)
				if err := layGroup(&g, conn.view, c.Flags().Changed); err != nil {
					return err
				}
				before := slices.Clone(g.Overrides)
				g.Overrides = orders.over(g.Overrides)
				if err := knownRules(conn.view, []string{g.Pack}, added(g.Overrides, before)); err != nil {
					return err
				}
				if err := conn.ask(ctx, &g); err != nil {
					return err
				}
				if gone := len(standing.Overrides); gone > 0 && standing.Pack != g.Pack {
					fmt.Fprintf(c.ErrOrStderr(), "the %d changes of rules of pack %s are gone with it\n", gone, standing.Pack)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&g.Pack, "pack", "", "`PACK` that the group uses")
	c.Flags().StringVar(&g.Zh, "zh", "", "its name in Chinese")
	c.Flags().StringVar(&g.En, "en", "", "its name in English")
	rules.add(c)
	r.add(c)
	return c
}

// layGroup fills in what stands, where the command line does not name it.
func layGroup(g *event.GroupRequested, view *directory.View, named func(string) bool) error {
	was, ok := view.Group(g.Tenant, g.Group)
	if !ok && !named("pack") {
		return usage("there is no group %s of tenant %s yet: it needs --pack", g.Group, g.Tenant)
	}
	if !named("pack") {
		g.Pack = was.Pack
	}
	if !named("zh") {
		g.Zh = was.Zh
	}
	if !named("en") {
		g.En = was.En
	}
	if g.AsRecorded = was.AsRecorded; g.Pack == was.Pack {
		g.CadenceMs, g.Overrides = was.CadenceMs, slices.Clone(was.Overrides)
	}
	return nil
}
