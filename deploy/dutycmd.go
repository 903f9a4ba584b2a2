package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/alerts/rota"
	"tocsin/desk"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

func rotaCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "rota", Short: "Who is on duty for the steps of the policies"}
	set := &cobra.Command{
		Use: "set FILE", Short: "Put a rota into effect", Args: cobra.ExactArgs(1),
		Long: "Put a rota into effect: who answers for one step of the policies, in a tenant or a group of it. FILE (or -) is YAML or JSON, such as\n\n" +
			"  tenant: demo\n  group: copd            # left out: the whole tenant\n  step: nurse\n  zone: Asia/Shanghai\n  shifts:\n" +
			"    - {days: [1, 2, 3, 4, 5], from: \"08:00\", to: \"18:00\", accounts: [nurse-a, nurse-b]}\n" +
			"    - {days: [6, 7], holidays: true, from: \"08:00\", to: \"18:00\", accounts: [nurse-c]}\n" +
			"    - {days: [1, 2, 3, 4, 5, 6, 7], holidays: true, from: \"18:00\", to: \"08:00\", accounts: [nurse-d]}\n" +
			"  holidays: [2026-10-01]\n  swaps:\n    - {from: 2026-10-02T12:00:00+08:00, until: 2026-10-02T14:00:00+08:00, accounts: [nurse-e], why: ill}\n\n" +
			"It replaces the rota of that step. Gaps of the next 14 days are told, and do not keep it from taking effect: a step with nobody on duty is passed over at once.",
		RunE: func(c *cobra.Command, args []string) error {
			var given event.Rota
			if err := readYAML(args[0], c.InOrStdin(), &given); err != nil {
				return err
			}
			if err := fill(&given, wall()); err != nil {
				return err
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				if err := conn.ask(ctx, &event.RotaRequested{Rota: given, By: by}); err != nil {
					return err
				}
				printRota(c.OutOrStdout(), given, wall(), conn.view)
				return nil
			})
		},
	}
	show := &cobra.Command{
		Use: "show", Short: "Who is on duty now and next, and where there are gaps", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withConnection(c, &r, func(_ context.Context, conn *connection) error {
				all := conn.view.Rotas()
				if len(all) == 0 {
					fmt.Fprintln(c.OutOrStdout(), "no rota is set: whoever has the role answers for a step")
				}
				for _, set := range all {
					printRota(c.OutOrStdout(), set.Rota, wall(), conn.view)
				}
				return nil
			})
		},
	}
	c.AddCommand(set, show)
	r.add(c)
	return c
}

// fill works a rota out; what is wrong with it is one error a line.
func fill(r *event.Rota, now event.Time) error {
	var all []error
	for _, f := range desk.FillRota(r, now) {
		all = append(all, f)
	}
	return errors.Join(all...)
}

// filledUntil is how far a rota reaches that was worked out on the day of now.
func filledUntil(now event.Time) event.Time { return dayOf(now).Add(rota.HorizonDays * 24 * time.Hour) }

func dayOf(t event.Time) event.Time { return event.TimeOf(t.Std().Truncate(24 * time.Hour)) }

// zoneOf is the zone by which a rota is told; UTC where this host does not know it.
func zoneOf(r event.Rota) *time.Location {
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// shownSpans is how much of a rota is printed.
const shownSpans = 6

func printRota(w io.Writer, r event.Rota, now event.Time, view *directory.View) {
	zone := zoneOf(r)
	clock := func(t event.Time) string { return t.Std().In(zone).Format("Mon " + rotaClock) }
	of := r.Tenant
	if r.Group != "" {
		of += "/" + r.Group
	}
	fmt.Fprintf(w, "%s %s (%s)\n", of, r.Step, r.Zone)
	shown := 0
	for _, s := range r.Spans {
		if s.Until <= now || shown == shownSpans {
			continue
		}
		shown++
		fmt.Fprintf(w, "  %s to %s  %s\n", clock(s.From), clock(s.Until), strings.Join(s.Accounts, ", "))
	}
	gaps := rota.Gaps(r.Spans, now, now.Add(rota.LookAheadDays*24*time.Hour))
	for i, g := range gaps {
		if i == shownSpans {
			fmt.Fprintf(w, "  GAP and %d more within %d days\n", len(gaps)-i, rota.LookAheadDays)
			break
		}
		fmt.Fprintf(w, "  GAP %s to %s: nobody is on duty\n", clock(g.From), clock(g.Until))
	}
	for _, account := range strangers(r, view) {
		fmt.Fprintf(w, "  %s has no account here\n", account)
	}
}

// strangers answers who is on duty and has no account.
func strangers(r event.Rota, view *directory.View) (names []string) {
	seen := map[string]bool{}
	for _, s := range r.Spans {
		for _, a := range s.Accounts {
			if seen[a] {
				continue
			}
			seen[a] = true
			if _, known := view.Account(a); !known {
				names = append(names, a)
			}
		}
	}
	return names
}

func policyCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "policy", Short: "Who is asked about a warning, in which order, and how long each may take"}
	set := &cobra.Command{
		Use: "set FILE", Short: "Put a policy into effect", Args: cobra.ExactArgs(1),
		Long: "Put a policy into effect for warnings of one severity, in a tenant or a group of it. FILE (or -) is YAML or JSON, such as\n\n" +
			"  tenant: demo\n  group: copd            # left out: the whole tenant\n  severity: high\n  policy:\n    steps:\n" +
			"      - {to: nurse, answer_ms: 180000}\n      - {to: doctor-1, answer_ms: 180000}\n      - {to: duty-office, answer_ms: 300000}   # the last is asked again and again\n" +
			"    care_ms: 600000        # accepted: until somebody is reached\n    close_ms: 3600000      # reached: until it is closed\n    retry_ms: 300000       # not reached: until it is tried again\n" +
			"    shelve_ms: 1800000     # the longest shelving\n    ease_ms: 600000        # nothing found for so long: it has eased\n\n" +
			"A warning that is open keeps the policy by which it was raised.",
		RunE: func(c *cobra.Command, args []string) error {
			request := event.PolicyRequested{By: by}
			var given struct {
				Tenant   string         `json:"tenant"`
				Group    string         `json:"group"`
				Severity event.Severity `json:"severity"`
				Policy   event.Policy   `json:"policy"`
			}
			if err := readYAML(args[0], c.InOrStdin(), &given); err != nil {
				return err
			}
			request.Tenant, request.Group, request.Severity, request.Policy = given.Tenant, given.Group, given.Severity, given.Policy
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error { return conn.ask(ctx, &request) })
		},
	}
	show := &cobra.Command{
		Use: "show", Short: "The policies that were set; what is not here goes by the defaults", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withConnection(c, &r, func(_ context.Context, conn *connection) error {
				for _, p := range conn.view.Policies() {
					printPolicy(c.OutOrStdout(), p)
				}
				return nil
			})
		},
	}
	c.AddCommand(set, show)
	r.add(c)
	return c
}

func printPolicy(w io.Writer, p event.PolicySet) {
	of := p.Tenant
	if p.Group != "" {
		of += "/" + p.Group
	}
	var steps []string
	for _, s := range p.Policy.Steps {
		steps = append(steps, fmt.Sprintf("%s %s", s.To, time.Duration(s.AnswerMs)*time.Millisecond))
	}
	fmt.Fprintf(w, "%s %s, version %d: %s\n", of, p.Severity, p.Policy.Version, strings.Join(steps, " -> "))
}
