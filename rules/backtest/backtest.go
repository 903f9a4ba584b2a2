// Package backtest answers what a pack would have said of patients who have been watched already. The same inputs are
// folded twice by the functions of live, once with the packs that are in force and once with the candidate in their
// place, and what they warned of is laid side by side. Nothing here reaches a log, a pager or a clock: inputs and their
// moments come in, numbers go out, and whoever folds is behind Fold.
//
//	survey.go   who is concerned, and which packs are in force
//	swap.go     the candidate takes the place of a pack
//	turn.go     one shard of a partition: inputs and looks, in the recorded order, to each side
//	side.go     what one side warned of
//	desk.go     what people did about live warnings, and what they would have done about others
//	compare.go  new, lost, earlier, later
//	label.go    what happened to the patients: lead time, PPV, AUROC
//	report.go   the numbers; table.go, sheet.go, page.go: how they look
//
// What a backtest takes for granted is in BACKTEST.md.
package backtest

import (
	"strings"

	"tocsin/streams/event"
)

// Span is the time that is counted, its end excluded. What came before is folded and not counted.
type Span struct{ From, To event.Time }

func (s Span) holds(at event.Time) bool { return s.From <= at && at < s.To }

// Fold decides what follows from inputs. streams.WhatIf is one.
type Fold interface {
	Input(e event.Envelope, now event.Time)
	Tick(now event.Time)
}

// Warning is one episode, as it was raised.
type Warning struct {
	Patient  string         `json:"patient"` // {tenant}/{patient}
	Problem  string         `json:"problem"`
	Alert    string         `json:"alert"`
	Episode  int            `json:"episode"`
	At       event.Time     `json:"at"`
	Severity event.Severity `json:"severity"`
	Danger   bool           `json:"danger,omitempty"`
	Rule     string         `json:"rule"` // of the first reason
	Reasons  []event.Reason `json:"reasons"`
	Worsened int            `json:"worsened,omitempty"` // how often it asked again because it had become worse
	// Outcome is what a person said it was when closing the live warning; empty: not closed, or no live warning matches.
	Outcome string `json:"outcome,omitempty"`
}

// Rules answers the rules among the reasons, each once, the first first.
func (w *Warning) Rules() (all []string) {
	seen := map[string]bool{}
	for i := range w.Reasons {
		if r := w.Reasons[i].Rule; !seen[r] && w.Reasons[i].Severity != event.NoSeverity {
			seen[r] = true
			all = append(all, r)
		}
	}
	return all
}

// system owns the warnings of partitions; they are about Tocsin and nobody's illness.
const system = "tocsin/"

func ofPatient(key string) bool { return key != event.Everyone && !strings.HasPrefix(key, system) }

func warningOf(key string, d *event.AlertRaised, at event.Time) Warning {
	return Warning{Patient: key, Problem: d.Problem, Alert: d.Alert, Episode: d.Episode, At: at, Severity: d.Severity, Danger: d.Danger, Rule: d.Rule, Reasons: d.Reasons}
}
