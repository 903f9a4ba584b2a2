package deploy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/witness"
)

func tailCommand() *cobra.Command {
	var r reach
	var o witness.TailOptions
	var since string
	c := &cobra.Command{
		Use: "tail", Short: "Show the log, and which steps hold and which are void", Args: cobra.NoArgs,
		Long: "Show the records of the log in the order of their time, read by a second, independent client (kafka-go): which steps hold, which are void.",
		RunE: func(c *cobra.Command, _ []string) error {
			brokers, err := r.brokers()
			if err != nil {
				return err
			}
			if o.Options, err = r.witness(brokers); err != nil {
				return err
			}
			if o.Since, err = sinceWhen(since, time.Now()); err != nil {
				return err
			}
			for _, t := range o.Topics {
				if !slices.ContainsFunc(streams.Topics, func(k streams.Topic) bool { return k.Name == t }) {
					return usage("there is no topic %q; the topics are %s", t, joined(topicNames()))
				}
			}
			err = witness.Tail(c.Context(), c.OutOrStdout(), o)
			if errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	c.Flags().StringSliceVar(&o.Topics, "topic", nil, "`TOPICS` to show (default inputs,decisions,rejected)")
	c.Flags().StringVar(&o.Patient, "patient", "", "only this `PATIENT`, as tenant/patient or the patient alone")
	c.Flags().StringVar(&since, "since", "", "only from this `TIME` on: RFC 3339, or a while ago such as 10m")
	c.Flags().BoolVar(&o.Follow, "follow", false, "go on with what comes")
	c.Flags().BoolVar(&o.JSON, "json", false, "one object a line")
	r.add(c)
	return c
}

func topicNames() (names []string) {
	for _, t := range streams.Topics {
		names = append(names, t.Name)
	}
	return names
}

// sinceWhen reads a moment, or how long ago it is.
func sinceWhen(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if d, err := time.ParseDuration(s); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usage("--since %q: want a time such as %s, or a while such as 10m", s, now.UTC().Format(time.RFC3339))
	}
	return t, nil
}

func checkCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use: "check [FILE]", Short: "Check a configuration and the library's rule packs with their tests", Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				file = args[0]
			}
			cfg, err := Load(file)
			if err == nil {
				text, merr := cfg.show()
				if merr != nil {
					return merr
				}
				fmt.Fprintf(c.OutOrStdout(), "%s\n", text)
				for _, note := range cfg.notes() {
					fmt.Fprintf(c.OutOrStdout(), "note: %s\n", note)
				}
			}
			if err := errors.Join(err, checkLibrary(c.OutOrStdout())); err != nil {
				return fmt.Errorf("there are faults:\n%w", err)
			}
			fmt.Fprintln(c.OutOrStdout(), "configuration and rules are in order")
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	return c
}
