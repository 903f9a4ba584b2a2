package desk

import (
	"github.com/danielgtaylor/huma/v2"

	"tocsin/care/vault"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// examples are bodies of which a schema says too little: what is asked for by trial is refused. By id of the operation.
var examples = map[string]any{
	"importPeople": "tenant,patient,group,device,token\ndemo,P-9001,copd,,\n",
	"setRota": RotaBody{Tenant: "demo", Step: "nurse", Zone: "Asia/Shanghai", Holidays: []string{"2026-10-01"},
		Shifts: []event.RotaShift{{Days: []int{1, 2, 3, 4, 5}, From: "08:00", To: "20:00", Accounts: []string{"nurse-a"}}, {Days: []int{6, 7}, Holidays: true, From: "00:00", To: "24:00", Accounts: []string{"nurse-b"}}}},
	"setPolicy": PolicyBody{Tenant: "demo", Severity: event.Medium, Steps: []event.PolicyStep{{To: "nurse", AnswerMs: 900_000}, {To: "doctor-1", AnswerMs: 900_000}},
		CareMs: 3_600_000, CloseMs: 14_400_000, RetryMs: 900_000, EaseMs: 600_000, ShelveMs: 14_400_000},
	"setPerson": PersonBody{Version: 1, Person: vault.Person{Name: "Demo Patient", BirthDate: "1901-01-01", Phones: []vault.Phone{{Number: "000-0013-0001"}}}},
}

// exemplify puts the examples of an operation beside its schemas.
func exemplify(o *huma.Operation) {
	if e, ok := examples[o.OperationID]; ok {
		for _, media := range o.RequestBody.Content {
			media.Example = e
		}
	}
	for _, p := range o.Parameters {
		if p.Name == "If-Match" {
			p.Example = directory.NoVersion
		}
	}
}
