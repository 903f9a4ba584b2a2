package own

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"

	"tocsin/streams/event"
)

// The copy as FHIR R4: a Bundle of the type collection with the Patient, an Observation for each reading, a DetectedIssue for each warning
// and a Consent for each form. What FHIR has no place for stands in data.json alone.

type (
	m    = map[string]any
	list = []any
)

// loinc are the codes of LOINC for what we measure, with the unit in UCUM.
var loinc = map[event.Quantity]struct{ code, display, unit string }{
	event.SpO2Percent:       {"59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%"},
	event.RespirationPerMin: {"9279-1", "Respiratory rate", "/min"},
	event.SystolicMmHg:      {"8480-6", "Systolic blood pressure", "mm[Hg]"},
	event.DiastolicMmHg:     {"8462-4", "Diastolic blood pressure", "mm[Hg]"},
	event.PulsePerMin:       {"8867-4", "Heart rate", "/min"},
	event.TemperatureCel:    {"8310-5", "Body temperature", "Cel"},
	event.WeightKg:          {"29463-7", "Body weight", "kg"},
	event.GlucoseMmolPerL:   {"15074-8", "Glucose [Moles/volume] in Blood", "mmol/L"},
}

// fhirID answers an id as FHIR allows it, the same for the same words.
func fhirID(words string) string {
	sum := sha256.Sum256([]byte(words))
	return hex.EncodeToString(sum[:16])
}

func bundle(c *Copy) ([]byte, error) {
	patient := fhirID(c.Tenant + "/" + c.Patient)
	subject := m{"reference": "Patient/" + patient}
	who := m{"resourceType": "Patient", "id": patient, "identifier": list{m{"system": "urn:tocsin:patient:" + c.Tenant, "value": c.Patient}}}
	if p := c.Person; p != nil {
		if p.Name != "" {
			who["name"] = list{m{"text": p.Name}}
		}
		if p.BirthDate != "" {
			who["birthDate"] = p.BirthDate
		}
		if p.Sex != "" {
			who["gender"] = p.Sex
		}
	}
	entries := list{entry(who)}
	for i, r := range c.Readings {
		entries = append(entries, entry(observation(r, i, subject)))
	}
	for _, w := range c.Warnings {
		issue := m{"resourceType": "DetectedIssue", "id": fhirID("warning " + w.Alert), "identifier": list{m{"system": "urn:tocsin:warning", "value": w.Alert}},
			"status": "preliminary", "code": m{"text": w.Problem}, "patient": subject, "identifiedDateTime": w.RaisedAt}
		if w.ClosedAt != 0 {
			issue["status"] = "final"
		}
		if word := map[event.Severity]string{event.High: "high", event.Medium: "moderate", event.Low: "low", event.Technical: "low"}[w.Severity]; word != "" {
			issue["severity"] = word
		}
		entries = append(entries, entry(issue))
	}
	for i, l := range c.Consents {
		var d event.ConsentGiven
		if l.Type != d.Type() || json.Unmarshal(l.Data, &d) != nil {
			continue // a withdrawal is no form: it shows in the forms before it
		}
		entries = append(entries, entry(m{"resourceType": "Consent", "id": fhirID("consent " + d.Consent.ID), "status": consentStatus(c, i, d.Consent), "patient": subject, "dateTime": d.Consent.GivenAt,
			"identifier": list{m{"system": "urn:tocsin:consent", "value": d.Consent.ID}}, "scope": m{"text": "patient-privacy"}, "category": categories(d.Consent.Purposes),
			"policyRule": m{"text": d.Consent.Form + " " + d.Consent.FormVersion}}))
	}
	return json.MarshalIndent(m{"resourceType": "Bundle", "type": "collection", "timestamp": c.MadeAt, "entry": entries}, "", " ")
}

// consentStatus says whether a form still stands for anything: its purposes may have been withdrawn since, and it may have run out.
func consentStatus(c *Copy, line int, form event.Consent) string {
	left := slices.Clone(form.Purposes)
	for _, l := range c.Consents[line+1:] {
		var d event.ConsentWithdrawn
		if l.Type == d.Type() && json.Unmarshal(l.Data, &d) == nil {
			left = slices.DeleteFunc(left, func(p string) bool { return slices.Contains(d.Purposes, p) })
		}
	}
	if len(left) == 0 || form.Until != nil && *form.Until <= c.MadeAt {
		return "inactive"
	}
	return "active"
}

func entry(resource m) m {
	return m{"fullUrl": "urn:tocsin:" + resource["resourceType"].(string) + ":" + resource["id"].(string), "resource": resource}
}

func categories(purposes []string) (all list) {
	for _, p := range purposes {
		all = append(all, m{"text": p})
	}
	return all
}

func observation(r Reading, n int, subject m) m {
	code, value := m{"text": r.What}, m{"value": json.Number(r.Value.String())}
	if c, known := loinc[r.quantity]; known {
		code["coding"] = list{m{"system": "http://loinc.org", "code": c.code, "display": c.display}}
		value["unit"], value["system"], value["code"] = c.unit, "http://unitsofmeasure.org", c.unit
	}
	o := m{"resourceType": "Observation", "id": fhirID(r.Upload + "\x00" + r.What + "\x00" + strconv.Itoa(n)), "status": "final", "code": code, "subject": subject,
		"effectiveDateTime": r.MeasuredAt, "issued": r.ReceivedAt, "valueQuantity": value, "identifier": list{m{"system": "urn:tocsin:reading", "value": r.Upload}}}
	if r.Mark != event.Plausible {
		o["status"] = "preliminary"
		o["note"] = list{m{"text": string(r.Mark)}}
	}
	return o
}
