package ingest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"tocsin/streams/event"
)

// One upload, one answer: what becomes of it.
func TestING10_WhatBecomesOfAnAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		item   string
		want   event.Answer
		reason string
	}{
		"true":                      {item: `"code":"chest_pain","v":true`, want: event.Answer{Code: "chest_pain", Value: event.One}},
		"false":                     {item: `"code":"chest_pain","v":false,"q":"ok"`, want: event.Answer{Code: "chest_pain"}},
		"yes":                       {item: `"code":"cough","v":"yes"`, want: event.Answer{Code: "cough", Value: event.One}},
		"no":                        {item: `"code":"cough","v":"no"`, want: event.Answer{Code: "cough"}},
		"a number":                  {item: `"code":"cat_score","v":14`, want: event.Answer{Code: "cat_score", Value: event.Int(14)}},
		"a number with its unit":    {item: `"code":"creatinine_umol_per_l","v":88.5,"u":"umol/L"`, want: event.Answer{Code: "creatinine_umol_per_l", Value: dec("88.5"), Unit: "umol/L"}},
		"a number like an SFLOAT":   {item: `"code":"ferritin_ug_per_l","v":2047`, want: event.Answer{Code: "ferritin_ug_per_l", Value: event.Int(2047)}},
		"a number below nothing":    {item: `"code":"base_excess","v":-3.5`, want: event.Answer{Code: "base_excess", Value: dec("-3.5")}},
		"perhaps":                   {item: `"code":"cough","v":"perhaps"`, reason: ValueReason},
		"a number as text":          {item: `"code":"cat_score","v":"14"`, reason: ValueReason},
		"nothing":                   {item: `"code":"cough"`, reason: ValueReason},
		"null":                      {item: `"code":"cough","v":null`, reason: ValueReason},
		"several":                   {item: `"code":"cough","v":[true]`, reason: ValueReason},
		"beyond all numbers":        {item: `"code":"cat_score","v":1e300`, reason: Impossible},
		"not a number":              {item: `"code":"cat_score","v":8388607`, reason: NotANumber},
		"a unit too long":           {item: `"code":"cat_score","v":14,"u":"seventeen letters"`, reason: UnitReason},
		"a unit not plain":          {item: `"code":"crp","v":14,"u":"µg/L"`, reason: UnitReason},
		"a unit that is a number":   {item: `"code":"crp","v":14,"u":1`, reason: UnitReason},
		"test data":                 {item: `"code":"chest_pain","v":true,"q":"test"`, reason: ValueReason},
		"doubted":                   {item: `"code":"chest_pain","v":true,"q":"questionable"`, reason: ValueReason},
		"a quantity misspelt":       {item: `"code":"acpvu","v":"A"`, reason: UnknownCode},
		"a quantity by other names": {item: `"code":"heart_rate","v":120`, reason: UnknownCode},
		"no code":                   {item: `"code":"Chest pain","v":true`, reason: UnknownCode},
		"two codes":                 {item: `"mdc":150456,"code":"cough","v":true`, reason: UnknownCode},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"v":1,"msg_id":"m","obs":[{` + c.item + `}]}`
			rec, rej := accept(body)
			if c.reason != "" {
				checkRejected(t, rec, rej, body, c.reason)
				return
			}
			if rec == nil || len(rej) > 0 {
				t.Fatalf("rejected: %+v", rej)
			}
			o := rec.Data.(*event.ObservationRecorded)
			if len(o.Readings) != 0 || !slices.Equal(o.Answers, []event.Answer{c.want}) {
				t.Fatalf("got %+v and %+v, want %+v", o.Readings, o.Answers, c.want)
			}
		})
	}
}

// A reading and an answer of one upload stand together under its identity; what is bad of one takes nothing of the other.
func TestAcceptKeepsReadingsAndAnswersTogether(t *testing.T) {
	rec, rej := accept(`{"v":1,"boot_id":6,"seq":417,"obs":[{"code":"chest_pain","v":true},{"mdc":150456,"v":91,"u":"%"},{"code":"cough","v":"maybe"},{"mdc":149530,"v":999,"u":"/min"},{"code":"cat_score","v":14}]}`)
	if rec == nil || len(rej) != 2 || rec.ID != "d/6/417" {
		t.Fatalf("recorded %+v, rejected %+v", rec, rej)
	}
	o := rec.Data.(*event.ObservationRecorded)
	if !slices.Equal(o.Answers, []event.Answer{{Code: "chest_pain", Value: event.One}, {Code: "cat_score", Value: event.Int(14)}}) || len(o.Readings) != 1 {
		t.Errorf("got %+v and %+v", o.Readings, o.Answers)
	}
}

func TestAcceptOneAnswerTwice(t *testing.T) {
	body := `{"v":1,"msg_id":"m","obs":[{"code":"cough","v":true},{"code":"cough","v":"no"},{"code":"fever","v":true},{"code":"fever","v":"yes"}]}`
	rec, rej := accept(body)
	if rec == nil || !slices.Equal(rec.Data.(*event.ObservationRecorded).Answers, []event.Answer{{Code: "fever", Value: event.One}}) {
		t.Fatalf("recorded %+v, want the fever that was said twice alike", rec)
	}
	checkRejected(t, nil, rej, body, Duplicate)
}

func TestAcceptAtMost64Answers(t *testing.T) {
	many := func(n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(`,{"code":"q` + strconv.Itoa(i) + `","v":true}`)
		}
		return `{"v":1,"msg_id":"m","obs":[` + b.String()[1:] + `]}`
	}
	if rec, rej := accept(many(64)); rec == nil || len(rej) > 0 || len(rec.Data.(*event.ObservationRecorded).Answers) != 64 {
		t.Errorf("64 answers were rejected: %+v", rej)
	}
	rec, rej := accept(many(65))
	checkRejected(t, rec, rej, many(65), Unreadable)
}
