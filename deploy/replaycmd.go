package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"tocsin/deploy/replay"
	"tocsin/rules"
	"tocsin/rules/pack"
	"tocsin/streams/directory"
)

// recordedData is the folder in which recorded data that may not be passed on is looked for; this is the one place that names it.
func recordedData() string { return cmp.Or(os.Getenv("TOCSIN_DATA"), "../shared/data") }

// replayTenant is where replayed stays live, apart from all patients.
const replayTenant = "replay"

func replayCommand() *cobra.Command {
	var r reach
	var format, scores, mqtt, group string
	o := replay.Options{Tenant: replayTenant}
	c := &cobra.Command{
		Use: "replay --format physionet2019 DIR|ARCHIVE", Short: "Send recorded stays through the whole chain, over MQTT", Args: cobra.ExactArgs(1),
		Long: "Send recorded stays through the whole chain, over MQTT, flat out or at a chosen speed. Each stay is a patient of the tenant `" + replayTenant + "`.\n" +
			"A relative name that is not there is looked for in the folder TOCSIN_DATA. Sending the same stays again counts nothing twice.\n" +
			"With --as-recorded each value is believed as it stands and kept without limit, hours are laid backwards from now, and nobody is warned.",
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(replay.Formats, format) {
				return usage("replay needs --format; the formats are %s", joined(replay.Formats))
			}
			if scores != "" && !o.AsRecorded {
				return usage("--scores needs --as-recorded: in other groups only what changes a warning is written down, so most rows would have no score of their own")
			}
			if o.Speed < 0 {
				return usage("--speed %g: want how many times faster than recorded, or 0 for flat out", o.Speed)
			}
			stays, err := replay.Read(findRecorded(args[0]))
			if err != nil {
				return fmt.Errorf("read the stays: %w", err)
			}
			o.Group = cmp.Or(group, directory.DefaultPack)
			if o.AsRecorded {
				o.Group = replay.AsRecordedPack
			}
			if o.Nothing, err = scoreOfNothing(o.Group); err != nil {
				return err
			}
			run, err := r.running()
			if err != nil {
				return err
			}
			if o.Broker = "tcp://" + cmp.Or(mqtt, run.MQTT); o.Broker == "tcp://" {
				return usage("the gateway's address is not known; name it with --mqtt")
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				o.Log, o.N, o.Asker, o.Token = conn.log, conn.n, conn.asker, directory.NewToken()
				return replayTo(ctx, stays, o, scores, c.OutOrStdout(), c.ErrOrStderr())
			})
		},
	}
	c.Flags().StringVar(&format, "format", "", "`FORMAT` of the recorded data: "+joined(replay.Formats))
	c.Flags().BoolVar(&o.AsRecorded, "as-recorded", false, "believe each value as it stands; nobody is warned")
	c.Flags().Float64Var(&o.Speed, "speed", 0, "how many `TIMES` faster than recorded; 0 is flat out")
	c.Flags().IntVar(&o.Connections, "connections", 128, "how many stays are sent at once when flat out")
	c.Flags().StringVar(&scores, "scores", "", "write what the chain made of each row to this `FILE` (- for the terminal)")
	c.Flags().StringVar(&group, "group", "", "`GROUP` of the patients without --as-recorded (default news2)")
	c.Flags().StringVar(&mqtt, "mqtt", "", "`ADDR` of the gateway, instead of what --data says")
	r.add(c)
	return c
}

// findRecorded answers where recorded data lies.
func findRecorded(name string) string {
	if _, err := os.Stat(name); err == nil || filepath.IsAbs(name) {
		return name
	}
	if there := filepath.Join(recordedData(), name); exists(there) {
		return there
	}
	return name
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// scoreOfNothing is the score of a patient of whom nothing is known: from zero to the worst of everything.
func scoreOfNothing(group string) (replay.Line, error) {
	text, ok := pack.Library()[group]
	if !ok {
		text = pack.Library()[directory.DefaultPack]
	}
	p, err := pack.Compile(text)
	if err != nil || len(p.Scores) == 0 {
		return replay.Line{}, errors.Join(err, fmt.Errorf("pack %s has no score", group))
	}
	nothing := replay.Line{Band: bandOf(&p.Scores[0])}
	for _, part := range p.Scores[0].Parts {
		nothing.Upper += int(max(part.Tables[part.Pick[0][0]].Max, part.Tables[part.Pick[0][1]].Max))
	}
	return nothing, nil
}

// bandOf answers the band of a total of nothing.
func bandOf(s *rules.Score) string {
	for _, b := range s.Bands {
		if b.From == 0 && !b.Single {
			return b.Name
		}
	}
	return ""
}

func replayTo(ctx context.Context, stays []replay.Stay, o replay.Options, scores string, out, terminal io.Writer) (err error) {
	rows := 0
	for _, s := range stays {
		rows += len(s.Rows)
	}
	if scores != "" {
		file, done, ferr := create(scores, out)
		if ferr != nil {
			return ferr
		}
		defer func() { err = errors.Join(err, done()) }()
		o.Scores = file
	}
	bar := progress(terminal, rows, "replay")
	var sent atomic.Int64
	o.Progress = func(n int) { _ = bar.Set64(sent.Add(int64(n))) }
	began := time.Now()
	took, err := replay.Run(ctx, stays, o)
	_ = bar.Finish()
	if err != nil {
		return err
	}
	all := time.Since(began)
	fmt.Fprintf(terminal, "%d rows of %d stays in %s (enrolled in %s, sent and acknowledged in %s, decided and gathered in %s): %.0f rows/s\n", rows, len(stays),
		all.Round(10*time.Millisecond), took.Enrol.Round(10*time.Millisecond), took.Send.Round(10*time.Millisecond), took.Score.Round(10*time.Millisecond), float64(rows)/all.Seconds())
	return nil
}

// create opens a file to write, or the terminal for -.
func create(name string, out io.Writer) (io.Writer, func() error, error) {
	if name == "-" {
		return out, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}
