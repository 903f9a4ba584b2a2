package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	case *event.AlertContacted:
		return d.Alert, "", true
	case *event.AlertOffered:
		return d.Alert, "", true
	case *event.AlertNoted:
		return d.Alert, "", true
	case *event.AlertShelveAsked:
		return d.Alert, "", true
	case *event.AlertShelved:
		return d.Alert, "", true
	case *event.AlertUnshelved:
		return d.Alert, "", true
	case *event.AlertJudged:
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
