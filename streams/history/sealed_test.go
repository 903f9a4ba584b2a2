package history

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"tocsin/streams"
	"tocsin/streams/event"
)

// That somebody was sealed is kept, by whom and which version; what was sealed is not, also of records that cannot be read.
func TestSEC3_SEC6_WhatWasSealedStaysOutOfHistory(t *testing.T) {
	record := func(d event.Event) streams.Record {
		r, err := streams.ToRecord(streams.DirectoryInputs, 0, "patient/t/P", event.Envelope{ID: "x", Source: "desk", Subject: "patient/t/P", Data: d})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	set := record(&event.PersonSet{Tenant: "t", Patient: "P", Version: 3, Key: "k", Sealed: []byte(sealedWords), By: "nurse-a"})
	torn := set
	torn.Value = []byte(`{"sealed":"` + base64.StdEncoding.EncodeToString([]byte(sealedWords)))
	f := newFeed(streams.DirectoryInputs, 0, streams.Beginning)
	if err := f.add([]streams.Record{record(&event.PersonRequested{Tenant: "t", Patient: "P", Version: 3, Sealed: []byte(sealedWords)}), set, torn, record(&event.TenantCreated{Tenant: "t"})}); err != nil {
		t.Fatal(err)
	}
	blocks, err := project(f.take().records, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		all := fmt.Sprint(b.columns...)
		if strings.Contains(all, sealedWords) || strings.Contains(all, base64.StdEncoding.EncodeToString([]byte(sealedWords))) {
			t.Errorf("it stands in %s", b.table)
		}
		if b.table == "records" && (b.rows != 4 || !strings.Contains(all, `"version":3`) || !strings.Contains(all, "nurse-a") || !strings.Contains(all, `{"tenant":"t"}`)) {
			t.Errorf("something else is missing: %s", all)
		}
	}
	if string(set.Value) == "" || !strings.Contains(string(set.Value), "sealed") {
		t.Error("the log's record was altered")
	}
}
