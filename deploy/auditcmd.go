package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"tocsin/alerts/audit"
	"tocsin/streams/event"
)

// auditOptions is the command line.
type auditOptions struct {
	reach
	once        bool
	webhook     string
	within      time.Duration
	followStdin bool
}

func auditCommand() *cobra.Command {
	var o auditOptions
	c := &cobra.Command{Use: "audit", Short: "A second look at the warnings, and the record of who looked at what"}
	watch := &cobra.Command{
		Use: "watch", Short: "Call out when an open warning has no deadline ahead, or a partition stands still", Args: cobra.NoArgs,
		Long: "Reads the log from its beginning with a fold of its own, by its own clock, and writes nothing. One line on stderr tells when a finding\n" +
			"begins and when it ends: an open warning without a next deadline or with one that is overdue, an event that does not fit what is open,\n" +
			"a partition in which what came in is not decided upon, into which not even a door's beat comes, or which cannot be read. Run it on\n" +
			"another machine than the monitor, with its clock set by the same time service.\n\n" +
			"--webhook posts each finding that begins as JSON: kind, subject (tenant and opaque id of the patient, or the partition), alert, problem,\n" +
			"severity, since, says. It is sent again until it is answered with a 2xx, for four minutes at most; a failure is told on stderr.\n\n" +
			"Exit codes: 0 it was told to stop, or with --once nothing is wrong; 1 with --once something is, or the log cannot be\n" +
			"reached; 2 the command line is wrong.",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(c.Context(), c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := watch.Flags()
	f.BoolVar(&o.once, "once", false, "read to where the log ends now, tell what is wrong and end")
	f.StringVar(&o.webhook, "webhook", "", "`URL` to which each finding that begins is posted")
	f.DurationVar(&o.within, "within", audit.Within, "how long a deadline may be overdue, or a partition stand still, before that is a finding")
	f.BoolVar(&o.followStdin, "follow-stdin", false, "end when stdin does: whoever started it is gone")
	_ = f.MarkHidden("follow-stdin") // it is there
	c.AddCommand(watch, verifyCommand(&o.reach), whoCommand(&o.reach))
	o.add(c)
	return c
}

// leastWithin keeps --within above what an owner and the looks themselves take.
const leastWithin = time.Second

func (o *auditOptions) validate() error {
	if o.within < leastWithin {
		return usage("--within %s: want %s at least", o.within, leastWithin)
	}
	u, err := url.Parse(o.webhook)
	if o.webhook != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return usage("--webhook: want an address such as https://pager.example/tocsin")
	}
	return nil
}

func (o *auditOptions) run(ctx context.Context, in io.Reader, out, terminal io.Writer) error {
	if o.followStdin {
		go followStdin(in)
	}
	conn, err := o.dial(ctx)
	if err != nil {
		return err
	}
	t := newTeller(terminal)
	if o.webhook != "" {
		h := startHook(ctx, o.webhook, t.say)
		defer h.finish()
		t.begun = h.send
	}
	a := newAuditor(conn.log, conn.n, o.within)
	if o.once {
		err = a.report(ctx, t, out)
	} else {
		a.watch(ctx, t.tell)
	}
	return errors.Join(err, conn.close())
}

// report looks once. Findings are an error, so that a script hears of them.
func (a *auditor) report(ctx context.Context, t *teller, out io.Writer) error {
	found, open, err := a.once(ctx)
	if err != nil {
		return err
	}
	t.tell(event.TimeOf(a.clock()), found)
	if len(found) > 0 {
		return fmt.Errorf("%d findings; warnings that are open: %d", len(found), open)
	}
	fmt.Fprintf(out, "nothing is wrong: each open warning has a deadline ahead (open: %d, partitions: %d)\n", open, len(a.parts))
	return nil
}
