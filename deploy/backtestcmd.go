package deploy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"tocsin/rules/backtest"
	"tocsin/rules/pack"
	"tocsin/streams/event"
)

// backtestOptions is the command line.
type backtestOptions struct {
	reach
	pack, group, against, source, labels, out, dsnFile, lang string
	from, to                                                 string
	within, lead, warmup                                     time.Duration
	cores                                                    int
}

func backtestCommand() *cobra.Command {
	o := backtestOptions{}
	c := &cobra.Command{
		Use: "backtest --pack CANDIDATE.yaml --from TIME --to TIME", Short: "What a pack would have warned of, on readings that have been taken already; nobody is warned", Args: cobra.NoArgs,
		Long: "Folds the readings of a time again, once with the packs in force and once with a candidate in the place of the pack of its id (or of\n" +
			"the pack of --group), with the functions of live and at the recorded moments, and lays their warnings side by side: how many per 100 patient-days, new,\n" +
			"lost, earlier, later; with labels also lead time, PPV and AUROC. It reads and never writes: no log, no pager.\n" +
			"--labels is a CSV with the columns patient,onset,outcome. Without one, warnings are judged by what the live ones were closed as.",
		RunE: func(c *cobra.Command, _ []string) error {
			return o.command(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&o.pack, "pack", "", "`FILE` of the candidate")
	f.StringVar(&o.from, "from", "", "first `TIME` that is counted: 2026-03-01, or RFC 3339; what came before is folded and not counted")
	f.StringVar(&o.to, "to", "", "`TIME` that is not counted any more (default: now)")
	f.StringVar(&o.group, "group", "", "`GROUP` that would use the candidate, by its name or tenant/name (default: every group that uses the pack of its id)")
	f.StringVar(&o.against, "against", "current", "what it is held against: current (the packs in force now), recorded (each as it took effect) or a `FILE`")
	f.StringVar(&o.source, "source", "", "log or history (default: the log while it has its beginning, else history)")
	f.StringVar(&o.labels, "labels", "", "`FILE` that says what happened to the patients: patient,onset,outcome")
	f.StringVar(&o.out, "out", "", "`DIR` for warnings.csv, rules.csv, summary.csv and report.html")
	f.StringVar(&o.lang, "lang", "both", "`LANGUAGE` of the page: zh, en or both")
	f.DurationVar(&o.within, "within", backtest.DefaultTolerance, "how far apart two warnings of one patient and problem may be raised and be one")
	f.DurationVar(&o.lead, "lead", backtest.DefaultLead, "how long before an onset a warning is one of it")
	f.DurationVar(&o.warmup, "warmup", 0, "pass over readings older than this before --from (default: none; facts are always folded)")
	f.IntVar(&o.cores, "cores", 0, "how many cores to use (default: all)")
	f.StringVar(&o.dsnFile, "dsn-file", "", "`FILE` with the DSN of ClickHouse, instead of what --data says")
	o.add(c)
	return c
}

func (o *backtestOptions) command(ctx context.Context, out, terminal io.Writer) error {
	s, candidate, err := o.read()
	if err != nil {
		return err
	}
	rec, done, err := o.open(ctx)
	if err != nil {
		return err
	}
	r, err := o.run(ctx, rec, s, candidate, terminal)
	if err = errors.Join(err, done()); err != nil {
		return err
	}
	if err := r.Table(out); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	return writeBacktest(r, o.out, o.lang, out)
}

// read reads what the command line names.
func (o *backtestOptions) read() (s backtest.Setting, candidate backtest.Pack, err error) {
	s = backtest.Setting{Group: o.group, Tolerance: o.within, Lead: o.lead}
	if o.pack == "" || o.from == "" {
		return s, candidate, usage("backtest needs --pack and --from")
	}
	if o.lang != "zh" && o.lang != "en" && o.lang != "both" {
		return s, candidate, usage("--lang %s: want zh, en or both", o.lang)
	}
	if s.Span.From, err = moment(o.from); err == nil {
		s.Span.To, err = moment(cmp.Or(o.to, wall().String()))
	}
	if err == nil && s.Span.To <= s.Span.From {
		err = fmt.Errorf("--to %s is not after --from %s", s.Span.To, s.Span.From)
	}
	if err != nil {
		return s, candidate, usageError{err}
	}
	if candidate, err = readPack(o.pack); err != nil || o.labels == "" {
		return s, candidate, err
	}
	f, err := os.Open(o.labels)
	if err != nil {
		return s, candidate, err
	}
	s.HasLabels = true
	if s.Labels, err = backtest.ReadLabels(f); err != nil {
		err = fmt.Errorf("%s: %w", o.labels, err)
	}
	return s, candidate, errors.Join(err, f.Close())
}

func moment(text string) (event.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return event.TimeOf(t), nil
	}
	return event.ParseTime(text)
}

func readPack(file string) (backtest.Pack, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return backtest.Pack{}, err
	}
	p, err := pack.CompileFile(file, string(text))
	if err != nil {
		return backtest.Pack{}, err
	}
	return backtest.Pack{ID: p.ID, Version: p.Version, Sum: p.Sum, Text: string(text)}, nil
}

// open finds where to read. The log is opened with nothing that could write to it.
func (o *backtestOptions) open(ctx context.Context) (record, func() error, error) {
	switch o.source {
	case "", "log":
		rec, done, err := o.openLog(ctx)
		if err != nil || o.source == "log" {
			return rec, done, err
		}
		whole, err := rec.whole(ctx)
		if whole && err == nil {
			return rec, done, nil
		}
		if err = errors.Join(err, done()); err != nil {
			return nil, nil, err
		}
	case "history":
	default:
		return nil, nil, usage("--source %s: want log or history", o.source)
	}
	h, err := o.openHistory(o.dsnFile)
	if err != nil {
		return nil, nil, err
	}
	return recordedHistory{h}, h.Close, nil
}

func (o *backtestOptions) openLog(ctx context.Context) (recordedLog, func() error, error) {
	brokers, err := o.brokers()
	if err != nil {
		return recordedLog{}, nil, err
	}
	log, err := o.logAt(brokers, "tocsin-backtest")
	if err != nil {
		return recordedLog{}, nil, err
	}
	rec := recordedLog{log}
	short, cancel := context.WithTimeout(ctx, connectWithin)
	defer cancel()
	if _, err := rec.partitions(short); err != nil {
		return rec, nil, errors.Join(fmt.Errorf("the log at %s: %w; is Tocsin running?", strings.Join(brokers, ","), err), log.Close())
	}
	return rec, log.Close, nil
}

// run folds the record and says how long it took.
func (o *backtestOptions) run(ctx context.Context, rec record, s backtest.Setting, candidate backtest.Pack, terminal io.Writer) (*backtest.Report, error) {
	j, err := backtestAsked{setting: s, candidate: candidate, against: o.against, warmup: o.warmup, cores: o.cores}.job(ctx, rec)
	if err != nil {
		return nil, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(backtestGC))
	bar := progress(terminal, max(int(j.size), 1), "backtest")
	var folded atomic.Int64
	j.told = func(n int64) { _ = bar.Set64(folded.Add(n)) }
	began := time.Now()
	r, err := j.run(ctx)
	_ = bar.Finish()
	if err != nil {
		return nil, err
	}
	took := time.Since(began)
	fmt.Fprintf(terminal, "%d inputs of %d patients with %d readings and answers, twice, in %s: %.0f readings/s\n",
		r.Inputs, len(j.scope.Patients), r.Values, took.Round(10*time.Millisecond), 2*float64(r.Values)/took.Seconds())
	return r, nil
}

// writeBacktest writes the files of a report and says where they lie.
func writeBacktest(r *backtest.Report, dir, lang string, out io.Writer) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, file := range []struct {
		name  string
		write func(io.Writer) error
	}{
		{"summary.csv", r.SummaryCSV}, {"rules.csv", r.RulesCSV}, {"warnings.csv", r.WarningsCSV},
		{"report.html", func(w io.Writer) error { return r.Page(w, lang) }},
	} {
		path := filepath.Join(dir, file.name)
		f, err := os.Create(path)
		if err == nil {
			err = errors.Join(file.write(f), f.Close())
		}
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		fmt.Fprintln(out, "wrote", path)
	}
	return nil
}
