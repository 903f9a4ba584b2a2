package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/event"
	"tocsin/streams/kafka"
)

func explainCommand() *cobra.Command {
	var r reach
	var lang string
	var asJSON bool
	c := &cobra.Command{
		Use: "explain WARNING", Short: "Why a warning was raised: every assessment behind it, decided again from the log", Args: cobra.ExactArgs(1),
		Long: "Prints each assessment of a warning in words, with inputs, values, times, bounds, whose they are, pack and sources,\n" +
			"and decides each again from the log with the packs and plans that held then: the bytes must be the same, also after\n" +
			"packs and plans have changed. It ends with an error when they are not.",
		RunE: func(c *cobra.Command, args []string) error {
			if lang != "zh" && lang != "en" && lang != "both" {
				return fmt.Errorf("--lang %s: want zh, en or both", lang)
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				x, err := explain(ctx, conn.log, conn.n, args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return errors.Join(json.NewEncoder(c.OutOrStdout()).Encode(x), x.differs())
				}
				x.print(c.OutOrStdout(), lang)
				return x.differs()
			})
		},
	}
	c.Flags().StringVar(&lang, "lang", "both", "`LANGUAGE` of the words: zh, en or both")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	r.add(c)
	return c
}

// explanation is what the log says of one warning.
type explanation struct {
	Warning   string      `json:"warning"`
	Patient   string      `json:"patient"`
	Partition int32       `json:"partition"`
	Happened  []happening `json:"happened"`
}

// happening is one event in the life of the warning, with the assessment that it rests on.
type happening struct {
	At       event.Time            `json:"at"`
	Type     event.Type            `json:"type"`
	Step     int64                 `json:"step"`
	Assessed *event.SeverityScored `json:"assessed,omitempty"`
	// Again says how deciding it again came out: "same bytes", or where it differs. Empty: nothing was decided by rules.
	Again string `json:"again,omitempty"`

	scored string
}

const sameBytes = "same bytes"

// explain looks for a warning in the log and decides again what it rests on.
func explain(ctx context.Context, log *kafka.Log, partitions int32, warning string) (*explanation, error) {
	for p := range partitions {
		x := &explanation{Warning: warning, Partition: p}
		if err := x.find(ctx, log); err != nil {
			return nil, err
		}
		if len(x.Happened) > 0 {
			return x, x.again(ctx, log)
		}
	}
	return nil, fmt.Errorf("no warning %q stands in the log: GET /v1/warnings lists those that are open", warning)
}

// find gathers what happened to the warning in one partition, and the assessments that it names.
func (x *explanation) find(ctx context.Context, log *kafka.Log) error {
	_, end, err := log.Bounds(ctx, streams.Decisions, x.Partition)
	if err != nil {
		return err
	}
	recent := map[string]*event.SeverityScored{}
	return streams.EachStep(ctx, log, streams.PatientPair, x.Partition, end, func(step *streams.Step) error {
		clear(recent) // an assessment and what follows from it are of one step
		for _, e := range step.Events {
			if d, ok := e.Data.(*event.SeverityScored); ok {
				recent[e.ID] = d
			}
			id, scored, ok := ofAlert(e.Data)
			if !ok || id != x.Warning {
				continue
			}
			x.Patient = e.Subject
			x.Happened = append(x.Happened, happening{At: e.At, Type: e.Data.Type(), Step: step.Number, Assessed: recent[scored], scored: scored})
		}
		return nil
	})
}

// ofAlert answers which warning an event is of, and the assessment that it rests on, if any.
func ofAlert(d event.Event) (alert, scored string, ok bool) {
	switch d := d.(type) {
	case *event.AlertRaised:
		return d.Alert, d.Scored, true
	case *event.AlertUpdated:
		return d.Alert, d.Scored, true
	case *event.AlertWorsened:
		return d.Alert, d.Scored, true
	case *event.AlertEased:
		return d.Alert, d.Scored, true
	case *event.AlertAccepted:
		return d.Alert, "", true
	case *event.AlertEscalated:
		return d.Alert, "", true
	case *event.AlertReturned:
		return d.Alert, "", true
	case *event.AlertClosed:
		return d.Alert, "", true
	default:
		return "", "", false
	}
}

// again decides the steps again in which something happened to the warning.
func (x *explanation) again(ctx context.Context, log *kafka.Log) error {
	wanted := map[int64]bool{}
	for i := range x.Happened {
		wanted[x.Happened[i].Step] = true
	}
	return streams.Retrace(ctx, log, streams.PatientPair, x.Partition, patientParts(), func(s *streams.Step) bool { return wanted[s.Number] },
		func(s *streams.Step, differs error) error {
			for i := range x.Happened {
				if h := &x.Happened[i]; h.Step == s.Number {
					if h.Again = sameBytes; differs != nil {
						h.Again = differs.Error()
					}
				}
			}
			return nil
		})
}

// differs answers an error when something came out otherwise.
func (x *explanation) differs() error {
	n := 0
	for i := range x.Happened {
		if a := x.Happened[i].Again; a != "" && a != sameBytes {
			n++
		}
	}
	if n > 0 {
		return fmt.Errorf("%d of %d came out otherwise when decided again: this program decides differently from the one that wrote them", n, len(x.Happened))
	}
	return nil
}

func (x *explanation) print(w io.Writer, lang string) {
	fmt.Fprintf(w, "warning %s of %s, partition %d\n", x.Warning, x.Patient, x.Partition)
	for i := range x.Happened {
		h := &x.Happened[i]
		fmt.Fprintf(w, "\n%s  %s  (step %d, decided again: %s)\n", h.At, h.Type, h.Step, h.Again)
		if h.Assessed != nil {
			printAssessment(w, h.Assessed, lang)
		}
	}
}

func printAssessment(w io.Writer, d *event.SeverityScored, lang string) {
	fmt.Fprintf(w, "  %s %s by pack %s %s\n", d.Problem, d.Severity, d.Pack, versions(d))
	if sc := d.Score; sc != nil {
		fmt.Fprintf(w, "  score %s %d–%d, band %s", sc.Rule, sc.Lower, sc.Upper, sc.Band)
		var missing []string
		for _, q := range sc.Missing {
			missing = append(missing, q.String())
		}
		if missing = append(missing, sc.Unknown...); len(missing) > 0 {
			fmt.Fprintf(w, "; not known: %s", strings.Join(missing, ", "))
		}
		fmt.Fprintln(w)
	}
	for i := range d.Reasons {
		printReason(w, &d.Reasons[i], lang)
	}
}

// versions tells the texts of the packs by the beginnings of their sums; of several packs each has one.
func versions(d *event.SeverityScored) string {
	sums := strings.Split(d.PackSum, "+")
	for i := range sums {
		sums[i] = fmt.Sprintf("%.12s…", sums[i])
	}
	if len(sums) == 1 {
		return fmt.Sprintf("version %d (%s)", d.PackVersion, sums[0])
	}
	return "(" + strings.Join(sums, " + ") + ")"
}

func printReason(w io.Writer, r *event.Reason, lang string) {
	fmt.Fprintf(w, "  - %s %s", r.Rule, r.Severity)
	if r.Pack != "" {
		fmt.Fprintf(w, " (pack %s)", r.Pack)
	}
	fmt.Fprintln(w)
	if lang != "en" {
		fmt.Fprintf(w, "      %s\n", r.Zh)
	}
	if lang != "zh" {
		fmt.Fprintf(w, "      %s\n", r.En)
	}
	if r.When != "" {
		fmt.Fprintf(w, "      when %s\n", r.When)
	}
	if r.Value != nil {
		fmt.Fprintf(w, "      %s %s%s\n", r.Value, r.Unit, measured(r.MeasuredAt, r.Reading))
	}
	for _, in := range r.Inputs {
		value := "not known"
		if in.Value != nil {
			value = strings.TrimSpace(in.Value.String() + " " + in.Unit)
		}
		whose := ""
		if in.From != "" {
			whose = ", of the " + strings.TrimSpace(in.From+" "+in.SetBy)
		}
		fmt.Fprintf(w, "      %s = %s%s%s\n", in.Name, value, measured(in.MeasuredAt, in.Reading), whose)
	}
	if r.Low != nil || r.High != nil {
		fmt.Fprintf(w, "      bound %s, of the %s\n", bounds(r), strings.TrimSpace(r.From+" "+r.SetBy))
	}
	if r.Source != "" {
		fmt.Fprintf(w, "      source [%s] %s\n", r.Evidence, r.Source)
	}
}

func measured(at *event.Time, reading string) string {
	if at == nil {
		return ""
	}
	return fmt.Sprintf(", measured %s (%s)", at, reading)
}

func bounds(r *event.Reason) string {
	switch {
	case r.Low != nil && r.High != nil:
		return r.Low.String() + "–" + r.High.String()
	case r.Low != nil:
		return r.Low.String() + " below"
	default:
		return r.High.String() + " above"
	}
}
