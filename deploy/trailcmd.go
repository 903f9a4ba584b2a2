package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/trail"
	"tocsin/streams/witness"
)

// verifyOptions is the command line of `audit verify`.
type verifyOptions struct {
	reach   *reach
	keys    []string
	heads   []string
	repeats bool
}

func verifyCommand(r *reach) *cobra.Command {
	o := verifyOptions{reach: r}
	c := &cobra.Command{
		Use: "verify", Short: "Check that the audit log is whole: every record, its place, its signature, and the log's end", Args: cobra.NoArgs,
		Long: "Reads the whole audit log with the second client (kafka-go) and checks each record's sum and signature, that each follows the one\n" +
			"before it in its chain, and every head that another chain or a heads file names. Tells what was checked, or every fault with its\n" +
			"partition and offset, the first one first.\n\n" +
			"--key is the public key of a desk (64 hexadecimal digits, or a file that holds them), as its first start printed it; give one for each\n" +
			"desk. Without it the keys in --data are taken, else those that the log itself names, and the last line says which. --heads is a\n" +
			"file of heads; without it that of --data. Without heads the end of the log cannot be checked. Keep copies of both on another machine:\n" +
			"whoever can change this one can change these too.\n\n" +
			"Exit codes: 0 the log is whole; 1 it is not, or cannot be read; 2 the command line is wrong.",
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context(), c.OutOrStdout()) },
	}
	c.Flags().StringSliceVar(&o.keys, "key", nil, "public `KEYS` that may sign, in hex or as files")
	c.Flags().StringSliceVar(&o.heads, "heads", nil, "`FILES` of heads")
	c.Flags().BoolVar(&o.repeats, "allow-repeats", false, "let a record be there twice, byte for byte: a desk writes such a pair when the embedded log was killed under it")
	return c
}

func (o *verifyOptions) run(ctx context.Context, out io.Writer) error {
	brokers, err := o.reach.brokers()
	if err != nil {
		return err
	}
	keys, whose, err := o.publicKeys()
	if err != nil {
		return err
	}
	heads, names, err := o.openHeads()
	if err != nil {
		return err
	}
	a := witness.AuditOptions{Options: witness.Options{Brokers: brokers}, Topic: streams.Audit, Keys: keys, Repeats: o.repeats}
	if len(heads) > 0 {
		a.Heads = io.MultiReader(heads...)
	}
	report, err := witness.Audit(ctx, a)
	for _, h := range heads {
		err = errors.Join(err, h.(io.Closer).Close())
	}
	if err != nil {
		return err
	}
	return printReport(out, report, whose, names)
}

// publicKeys answers the keys that may sign, and in words where they are from.
func (o *verifyOptions) publicKeys() (keys []string, whose string, err error) {
	for _, k := range o.keys {
		if len(k) != 64 {
			b, err := os.ReadFile(k)
			if err != nil {
				return nil, "", usage("--key %s: want 64 hexadecimal digits or a file that holds them: %v", k, err)
			}
			k = string(b)
		}
		keys = append(keys, strings.ToLower(strings.TrimSpace(k)))
	}
	if len(keys) > 0 {
		return keys, "as given", nil
	}
	file := filepath.Join(abs(o.reach.data), auditKeyFile+".pub")
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, "the log's own, which proves less: give --key", nil
	}
	return []string{strings.TrimSpace(string(b))}, "from " + file, nil
}

func (o *verifyOptions) openHeads() (all []io.Reader, names string, err error) {
	files := slices.Clone(o.heads)
	if usual := filepath.Join(abs(o.reach.data), auditHeadsFile); len(files) == 0 && exists(usual) {
		files = []string{usual}
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, "", usage("--heads: %v", err)
		}
		all = append(all, f)
	}
	return all, strings.Join(files, ", "), nil
}

const faultsShown = 20

func printReport(out io.Writer, r witness.AuditReport, whose, heads string) error {
	for i, f := range r.Faults {
		if i == faultsShown {
			fmt.Fprintf(out, "… and %d more\n", len(r.Faults)-i)
			break
		}
		fmt.Fprintf(out, "FAULT %s\n", f)
	}
	var keys []string
	for _, c := range r.Chains {
		if !slices.Contains(keys, c.Key) {
			keys = append(keys, c.Key)
		}
	}
	fmt.Fprintf(out, "checked %d records in %d chains, from %s to %s, and %d heads, %d of them lines of %s\n", r.Records, len(r.Chains), r.From, r.To, r.Held, r.Lines, orWords(heads, "no file"))
	if r.Repeats > 0 {
		fmt.Fprintf(out, "%d records are there twice, byte for byte\n", r.Repeats)
	}
	if heads == "" {
		fmt.Fprintln(out, "no heads file: that nothing is cut off at the end was not checked")
	}
	fmt.Fprintf(out, "keys (%s): %s\n", whose, joined(keys))
	if len(r.Faults) > 0 {
		return fmt.Errorf("the audit log is not whole: %s", r.Faults[0])
	}
	fmt.Fprintln(out, "the audit log is whole")
	return nil
}

func orWords(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func whoCommand(r *reach) *cobra.Command {
	var account, since string
	c := &cobra.Command{
		Use: "who [TENANT/PATIENT]", Short: "Who looked at a patient, or what an account looked at and did", Args: cobra.MaximumNArgs(1),
		Long: "Reads the audit log and prints who looked at a patient (or, with --account, what an account looked at and did), the oldest first.\n" +
			"An entry about a group or the queue names no patient: it is printed for an account alone.",
		RunE: func(c *cobra.Command, args []string) error {
			from, err := sinceWhen(since, time.Now())
			if err != nil {
				return err
			}
			q := trail.Query{Account: account}
			if !from.IsZero() {
				q.From = event.TimeOf(from)
			}
			if len(args) == 1 {
				if q.Tenant, q.Patient = streams.SplitPatientKey(args[0]); q.Patient == "" {
					return usage("want TENANT/PATIENT, such as demo/P-0113, not %q", args[0])
				}
			} else if account == "" {
				return usage("name a patient, or an account with --account")
			}
			return who(c.Context(), r, c.OutOrStdout(), q)
		},
	}
	c.Flags().StringVar(&account, "account", "", "only what this `ACCOUNT` looked at and did")
	c.Flags().StringVar(&since, "since", "", "only from this `TIME` on: RFC 3339, or a while ago such as 720h")
	return c
}

func who(ctx context.Context, r *reach, out io.Writer, q trail.Query) error {
	conn, err := r.dial(ctx)
	if err != nil {
		return err
	}
	t := tabwriter.NewWriter(out, 2, 8, 2, ' ', 0)
	fmt.Fprintln(t, "WHEN\tACCOUNT\tROLE\tACTION\tABOUT\tPURPOSE\tFROM\tREASON")
	for more := true; more && err == nil; {
		var page trail.Page
		if page, err = trail.Read(ctx, conn.log, q); err != nil {
			break
		}
		for _, e := range page.Entries {
			about := strings.Trim(e.Tenant+"/"+e.Patient+" "+e.Object, "/ ")
			action := e.Action
			if e.Refused {
				action += " (refused)"
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Std().Format(time.RFC3339), e.Account, e.Role, action, about, e.Purpose, e.From, e.Reason)
		}
		q.After, more = page.Next, page.More
	}
	return errors.Join(err, t.Flush(), conn.close())
}
