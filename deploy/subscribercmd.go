package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tocsin/alerts/outbox"
	"tocsin/streams/event"
)

func subscriberCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "subscriber", Short: "The machines that are told of warnings: how far each has got, and what keeps one"}
	c.AddCommand(subscriberList(&r), subscriberSkip(&r))
	r.add(c)
	return c
}

func subscriberList(r *reach) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "list", Short: "How far each subscriber has got in each partition", Args: cobra.NoArgs,
		Long: "How far each subscriber has got in each partition, as the log says: the last message that it took, how many were\n" +
			"withheld because a patient does not agree to it (a word that says so went out under the number instead), how many records of decisions it has not\n" +
			"been led through (written down once a minute while there is nothing to tell), which message is being tried and why it is not taken. It ends with 1 when one does not get on.",
		RunE: func(c *cobra.Command, _ []string) error {
			return withLog(c, r, func(ctx context.Context, conn *connection) error {
				rows, err := outbox.Status(ctx, conn.log)
				if err != nil {
					return err
				}
				if asJSON {
					for _, row := range rows {
						if err := json.NewEncoder(c.OutOrStdout()).Encode(row); err != nil {
							return err
						}
					}
				} else if err := printSubscribers(c.OutOrStdout(), rows); err != nil {
					return err
				}
				for _, row := range rows {
					if row.Why != "" {
						return errors.New("a subscriber does not get on")
					}
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one object a line")
	return c
}

func printSubscribers(out io.Writer, rows []outbox.Row) error {
	if len(rows) == 0 {
		fmt.Fprintln(out, "nobody has been served yet; subscribers are named in the configuration")
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "SUBSCRIBER\tPARTITION\tTAKEN\tWITHHELD\tUNSEEN\tTRIED NOW\tSINCE\tWHY NOT")
	for _, row := range rows {
		head, since, why := "-", "-", row.Why
		if row.Head > 0 {
			head, since = fmt.Sprintf("%d (%s)", row.Head, row.HeadOf), row.Since.String()
		}
		if row.Alarmed {
			why += " [technical warning]"
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\n", row.Subscriber, row.Partition, row.Delivered, row.Withheld, row.Unseen, head, since, why)
	}
	return t.Flush()
}

// skipWithin is how long a command waits until a message has been passed over.
const skipWithin = 20 * time.Second

func subscriberSkip(r *reach) *cobra.Command {
	w := event.SkipRequested{By: by}
	var partition int32
	c := &cobra.Command{
		Use: "skip SUBSCRIBER --partition P --number N --reason WHY", Short: "Pass over the message that a subscriber does not take", Args: cobra.ExactArgs(1),
		Long: "Pass over the message that a subscriber does not take, so that those behind it come. Only the one that is being tried can be: see\n" +
			"tocsin subscriber list. The subscriber never hears of it, which shows as a hole in its numbers; who asked and why stays in the log.",
		RunE: func(c *cobra.Command, args []string) error {
			w.Subscriber = args[0]
			if w.Number < 1 || w.Reason == "" || partition < 0 {
				return usage("--partition, --number and --reason are needed; tocsin subscriber list shows which message is tried")
			}
			return withLog(c, r, func(ctx context.Context, conn *connection) error {
				if partition >= conn.n {
					return usage("there is no partition %d; the log has %d", partition, conn.n)
				}
				if err := outbox.Skip(ctx, conn.log, partition, w); err != nil {
					return err
				}
				err := until(ctx, skipWithin, "the message to be passed over", func() error { return passedOver(ctx, conn, partition, w) })
				if err != nil {
					return fmt.Errorf("the wish is in the log, and is carried out as soon as a part with the role notify sees it: %w", err)
				}
				fmt.Fprintf(c.OutOrStdout(), "message %d of %s in partition %d was passed over\n", w.Number, w.Subscriber, partition)
				return nil
			})
		},
	}
	c.Flags().Int32Var(&partition, "partition", -1, "`P`, as tocsin subscriber list shows it")
	c.Flags().Int64Var(&w.Number, "number", 0, "`N` of the message")
	c.Flags().StringVar(&w.Reason, "reason", "", "`WHY`, for whoever reads the log")
	return c
}

func passedOver(ctx context.Context, conn *connection, partition int32, w event.SkipRequested) error {
	rows, err := outbox.Status(ctx, conn.log)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if row.Subscriber == w.Subscriber && row.Partition == partition && row.Delivered >= w.Number {
			return nil
		}
	}
	return errors.New("it is still being tried")
}

// withLog runs fn with the log alone, without the directory.
func withLog(cmd *cobra.Command, r *reach, fn func(context.Context, *connection) error) error {
	c, err := r.dial(cmd.Context())
	if err != nil {
		return err
	}
	return errors.Join(fn(cmd.Context(), c), c.close())
}
