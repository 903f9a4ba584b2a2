package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/rules"
	"tocsin/rules/expr"
	"tocsin/rules/pack"
	"tocsin/streams/event"
)

func packCommand() *cobra.Command {
	c := &cobra.Command{Use: "pack", Short: "Rule packs: check, test, show, publish; rules/pack/PACKS.md says how one is written"}
	c.AddCommand(packCheck(), packTest(), packShow(), packPublish(), packDecline(), packFunctions())
	return c
}

// compileFile reads a pack from a file; - is the standard input.
func compileFile(c *cobra.Command, file string) (*rules.Pack, string, error) {
	text, err := readFile(file, c.InOrStdin())
	if err != nil {
		return nil, "", err
	}
	p, err := pack.CompileFile(file, string(text))
	return p, string(text), err
}

func packCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check FILE.yaml…", Short: "Compile packs and tell every fault with line and column", Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var faults []error
			for _, file := range args {
				p, _, err := compileFile(c, file)
				if err != nil {
					faults = append(faults, err)
					continue
				}
				fmt.Fprintf(c.OutOrStdout(), "%s: pack %s version %d is in order\n", file, p.ID, p.Version)
			}
			return errors.Join(faults...)
		},
	}
}

func packTest() *cobra.Command {
	return &cobra.Command{
		Use: "test FILE.yaml [CASES.yaml]", Short: "Run a pack's cases: readings in, severities out", Args: cobra.RangeArgs(1, 2),
		Long: "Runs the cases of a pack. Without CASES.yaml they are looked for beside it: copd.yaml has its cases in copd_test.yaml.",
		RunE: func(c *cobra.Command, args []string) error {
			p, text, err := compileFile(c, args[0])
			if err != nil {
				return err
			}
			file := strings.TrimSuffix(args[0], ".yaml") + "_test.yaml"
			if len(args) == 2 {
				file = args[1]
			}
			cases, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("the cases of pack %s: %w", p.ID, err)
			}
			n, err := pack.RunCases(file, text, string(cases))
			if err != nil {
				return err
			}
			if n == 0 {
				return fmt.Errorf("%s holds no case", file)
			}
			fmt.Fprintf(c.OutOrStdout(), "pack %s version %d: %d cases, all as expected\n", p.ID, p.Version, n)
			return nil
		},
	}
}

func packPublish() *cobra.Command {
	var r reach
	var signer string
	c := &cobra.Command{
		Use: "publish FILE.yaml", Short: "Put a version of a pack into effect for every group that uses it", Args: cobra.ExactArgs(1),
		Long: "Puts a version of a pack into effect, without a restart and without losing a reading. Where the pack in effect asks for two\n" +
			"signatures (signatures: 2), two people each publish the same file: the second one's --by puts it into effect.",
		RunE: func(c *cobra.Command, args []string) error {
			p, text, err := compileFile(c, args[0])
			if err != nil {
				return err
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				if err := conn.ask(ctx, &event.PackRequested{Pack: p.ID, Version: p.Version, Text: text, By: signer}); err != nil {
					return err
				}
				if in, ok := conn.view.Pack(p.ID); !ok || in.Sum != p.Sum {
					fmt.Fprintf(c.OutOrStdout(), "pack %s version %d is signed by %s and waits for another person: have somebody else publish the same file\n", p.ID, p.Version, signer)
					return nil
				}
				fmt.Fprintf(c.OutOrStdout(), "pack %s version %d is in effect\n", p.ID, p.Version)
				return nil
			})
		},
	}
	c.Flags().StringVar(&signer, "by", by, "`NAME` of who signs it")
	r.add(c)
	return c
}

func packDecline() *cobra.Command {
	var r reach
	var who, why string
	c := &cobra.Command{
		Use: "decline PACK", Short: "Decline a version that waits for a second signature, with a reason", Args: cobra.ExactArgs(1),
		Long: "Declines the version that waits for a second signature, whoever proposed it. What is in effect stays. While a draft of the desk waits,\n" +
			"no other text of its pack is published: it is signed or declined first.",
		RunE: func(c *cobra.Command, args []string) error {
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				waits, ok := conn.view.Proposed(args[0])
				if !ok {
					return fmt.Errorf("no version of pack %q waits for a signature", args[0])
				}
				if err := conn.ask(ctx, &event.PackDeclineRequested{Pack: args[0], Sum: waits.Sum, Why: why, By: who}); err != nil {
					return err
				}
				fmt.Fprintf(c.OutOrStdout(), "pack %s version %d is declined\n", waits.Pack, waits.Version)
				return nil
			})
		},
	}
	c.Flags().StringVar(&who, "by", by, "`NAME` of who declines it")
	c.Flags().StringVar(&why, "why", "", "`REASON`, which its proposer reads")
	r.add(c)
	return c
}

func packFunctions() *cobra.Command {
	return &cobra.Command{
		Use: "functions", Short: "List what a condition can ask of the course of a signal", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, f := range expr.Functions {
				fmt.Fprintf(c.OutOrStdout(), "%-46s %s\n", f.Usage, f.Means)
			}
			return nil
		},
	}
}

func packShow() *cobra.Command {
	var r reach
	c := &cobra.Command{
		Use: "show PACK|FILE.yaml", Short: "Print a pack in words: what it watches, its thresholds with sources, what it asks for", Args: cobra.ExactArgs(1),
		Long: "Prints a pack in words. A name that ends in .yaml is a file; any other is a pack in effect at the Tocsin of --data, or, when\n" +
			"none runs there, one of the library.",
		RunE: func(c *cobra.Command, args []string) error {
			if strings.HasSuffix(args[0], ".yaml") {
				p, _, err := compileFile(c, args[0])
				if err == nil {
					describe(c.OutOrStdout(), p)
				}
				return err
			}
			text, from, err := r.packText(c, args[0])
			if err != nil {
				return err
			}
			p, err := pack.CompileFile(args[0], text)
			if err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), from)
			describe(c.OutOrStdout(), p)
			return nil
		},
	}
	r.add(c)
	return c
}

// packText answers the text of a pack in effect, or of the library where no Tocsin runs.
func (r *reach) packText(c *cobra.Command, id string) (text, from string, err error) {
	if _, err := r.brokers(); err == nil {
		err = withConnection(c, r, func(_ context.Context, conn *connection) error {
			in, ok := conn.view.Pack(id)
			if !ok {
				return fmt.Errorf("there is no pack %q in effect", id)
			}
			text = in.Text
			return nil
		})
		return text, "in effect:", err
	}
	text, ok := pack.Library()[id]
	if !ok {
		return "", "", fmt.Errorf("no Tocsin runs on %s, and the library has no pack %q", abs(r.data), id)
	}
	return text, "of the library; no Tocsin runs here:", nil
}

// describe prints a pack in words.
func describe(w io.Writer, p *rules.Pack) {
	fmt.Fprintf(w, "%s version %d  %s · %s\n", p.ID, p.Version, p.Zh, p.En)
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		if s := p.Signals[q]; s != (rules.Signal{}) {
			zh, en, unit := rules.Name(q)
			fmt.Fprintf(w, "  watches %s (%s) in %s%s\n", en, zh, unit, every(s.CadenceMs))
		}
	}
	for i := range p.Questions {
		fmt.Fprintf(w, "  asks %s: %s · %s%s\n", p.Questions[i].Code, p.Questions[i].En, p.Questions[i].Zh, every(p.Questions[i].EveryMs))
	}
	for _, f := range p.Facts {
		fmt.Fprintf(w, "  needs %s in %s: %s · %s\n", f.Name, f.Unit, f.En, f.Zh)
	}
	for i := range p.Scores {
		describeScore(w, p, &p.Scores[i])
	}
	for q := event.Quantity(1); int(q) < event.Quantities; q++ {
		for _, l := range p.Limits[q] {
			fmt.Fprintf(w, "  limit %s: %s %s %s → %s (%s)\n", l.ID, q, side(&l), l.Bound, gravity(l.Severity, l.Danger), cited(p, l.Source))
		}
	}
	for i := range p.Rules {
		rule := &p.Rules[i]
		zh, en := rule.Words()
		fmt.Fprintf(w, "  rule %s: %s → %s (%s)\n    %s · %s\n", rule.ID, rule.Text, gravity(rule.Severity, rule.Danger), cited(p, rule.Source), en, zh)
		for _, n := range rule.Params {
			fmt.Fprintf(w, "    %s = %s %s, which a group or patient may have otherwise\n", n.Name, n.Value, n.Unit)
		}
	}
	for i := range p.Measures {
		m := &p.Measures[i]
		fmt.Fprintf(w, "  measure %s: %s in %s  %s · %s\n", m.ID, m.Text, m.Unit, m.En, m.Zh)
	}
	for _, s := range p.Sources {
		fmt.Fprintf(w, "  source %s [%s]: %s\n", s.ID, s.Evidence, s.Cite)
	}
}

func every(ms int64) string {
	if ms == 0 {
		return ""
	}
	return ", expected every " + duration(ms)
}

func duration(ms int64) string {
	if ms%3_600_000 == 0 {
		return fmt.Sprintf("%d h", ms/3_600_000)
	}
	return fmt.Sprintf("%d min", ms/60_000)
}

func side(l *rules.Limit) string {
	switch {
	case l.Above && l.Strict:
		return "above"
	case l.Above:
		return "at least"
	case l.Strict:
		return "below"
	default:
		return "at most"
	}
}

func gravity(s event.Severity, danger bool) string {
	if danger {
		return s.String() + ", immediate danger"
	}
	return s.String()
}

func cited(p *rules.Pack, id string) string {
	for _, s := range p.Sources {
		if s.ID == id {
			return s.Evidence + ", " + id
		}
	}
	return id
}
