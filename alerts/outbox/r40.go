package outbox

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"tocsin/alerts"
	"tocsin/alerts/outbox/hl7v2"
	"tocsin/streams/event"
)

// r40 writes HL7 v2.6 ORU^R40^ORU_R40: Report Alert (PCD-04) of the IHE profile Alert Communication Management. Each is one event of an
// alert; OBR-29 names the alert itself. The receiver acknowledges (ORA^R41, or a plain ACK).
type r40 struct {
	zone               *time.Location
	receiver, facility string
}

const (
	sendingApp = "TOCSIN"
	profileACM = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.4.4^ISO"
	alarmEvent = "196616^MDC_EVT_ALARM^MDC"
	hl7Time    = "20060102150405-0700"
)

func (r r40) render(c change) ([]event.OutboxPart, error) {
	w := c.warning
	at := c.event.At.Std().In(r.zone).Format(hl7Time)
	id := controlID(c)
	m := hl7v2.Message{
		hl7v2.New("MSH", "|", `^~\&`, sendingApp, "", hl7v2.Escape(r.receiver), "", at, "", "ORU^R40^ORU_R40", id, "P", "2.6").
			Set(8, hl7v2.Escape(consentNote(c.consent))).Set(15, "AL").Set(16, "NE").Set(18, "UNICODE UTF-8").Set(21, profileACM),
		hl7v2.New("PID").Set(3, hl7v2.Fields(w.Patient, "", "", r.authority(w), "MR")),
		hl7v2.New("PV1").Set(2, "O").Set(3, "HOME"),
		hl7v2.New("OBR", "1", hl7v2.Fields(id, sendingApp), hl7v2.Fields(id, sendingApp), alarmEvent).Set(7, at).Set(29, hl7v2.Fields(w.Alert, w.Alert)),
	}
	o := obx{message: &m}
	o.facet("ST", alarmEvent, 1, hl7v2.Escape(headline(w))).Set(8, "A~"+priorityOf(w)+"~"+kindOf(w)).Set(14, at)
	if s := o.source(w, r.zone); s != nil {
		m = append(m, s)
	}
	o.facet("ST", "68481^MDC_ATTR_EVENT_PHASE^MDC", 3, phaseOf(c))
	o.facet("ST", "68482^MDC_ATTR_ALARM_STATE^MDC", 4, stateOf(c))
	if w.Phase == string(alerts.Shelved) {
		o.facet("ST", "68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC", 5, "alarm-paused")
	}
	o.facet("ST", "68484^MDC_ATTR_ALARM_PRIORITY^MDC", 6, priorityOf(w))
	o.facet("ST", "68485^MDC_ATTR_ALERT_TYPE^MDC", 7, kindOf(w))
	return []event.OutboxPart{{Method: "MLLP", Type: "x-application/hl7-v2+er7", Body: m.String()}}, nil
}

// controlID is MSH-10, at most 20 characters in version 2.6, the same at every try: partition, number, and a part of the event's hash,
// so that another Tocsin's cannot be mistaken for it.
func controlID(c change) string {
	sum := sha256.Sum256([]byte(c.event.ID))
	return fmt.Sprintf("%d.%d.%s", c.partition, c.number, hex.EncodeToString(sum[:3]))
}

func (r r40) authority(w event.OutboxWarning) string {
	if r.facility != "" {
		return r.facility
	}
	return w.Tenant
}

// obx numbers the observations. Facet n of the alert is OBX-4 1.0.0.0.n.
type obx struct {
	message *hl7v2.Message
	n       int
}

func (o *obx) facet(kind, code string, facet int, value string) *hl7v2.Segment {
	s := o.next(kind, code, facet, value)
	*o.message = append(*o.message, s)
	return s
}

func (o *obx) next(kind, code string, facet int, value string) *hl7v2.Segment {
	o.n++
	return hl7v2.New("OBX", strconv.Itoa(o.n), kind, code, fmt.Sprintf("1.0.0.0.%d", facet), value).Set(11, "F")
}

// source is the first reason's measurement, when ISO/IEEE 11073 has a code for it; nil otherwise.
func (o *obx) source(w event.OutboxWarning, zone *time.Location) *hl7v2.Segment {
	for _, r := range w.Reasons {
		if r.Quantity == nil || r.Value == nil {
			continue
		}
		code, known := mdc[*r.Quantity]
		if !known {
			continue
		}
		s := o.next("NM", code.quantity, 2, r.Value.String()).Set(6, code.unit).Set(7, span(r)).Set(8, side(r))
		if r.MeasuredAt != nil {
			s.Set(14, r.MeasuredAt.Std().In(zone).Format(hl7Time))
		}
		return s
	}
	return nil
}

// span is the reference range as HL7 writes it: low-high, >low or <high.
func span(r event.Reason) string {
	switch {
	case r.Low != nil && r.High != nil:
		return r.Low.String() + "-" + r.High.String()
	case r.Low != nil:
		return ">" + r.Low.String()
	case r.High != nil:
		return "<" + r.High.String()
	default:
		return ""
	}
}

func side(r event.Reason) string {
	switch {
	case r.Low != nil && *r.Value < *r.Low:
		return "L"
	case r.High != nil && *r.Value > *r.High:
		return "H"
	default:
		return ""
	}
}

// headline is the alert's text, Chinese before English: OBX-5 of the first facet.
func headline(w event.OutboxWarning) string {
	text := w.Rule
	if len(w.Reasons) > 0 {
		text = w.Reasons[0].Zh + " / " + w.Reasons[0].En
	}
	if s := w.Score; s != nil {
		text = fmt.Sprintf("%s %d: %s", s.Rule, s.Lower, text)
	}
	return text
}

// priorityOf and kindOf use the words of ACM: PH, PM, PL, PN; SP physiological, ST technical.
func priorityOf(w event.OutboxWarning) string {
	switch w.Severity {
	case event.High:
		return "PH"
	case event.Medium:
		return "PM"
	case event.Low, event.Technical:
		return "PL"
	default:
		return "PN"
	}
}

func kindOf(w event.OutboxWarning) string {
	if w.Severity == event.Technical || w.Problem == event.Fault || w.Problem == event.Silence {
		return "ST"
	}
	return "SP"
}

// phaseOf is ACM's event phase.
func phaseOf(c change) string {
	switch c.event.Data.(type) {
	case *event.AlertClosed:
		return "end"
	case *event.AlertWorsened, *event.AlertEscalated:
		if c.warning.Told > 0 {
			return "escalate"
		}
	}
	if c.warning.Told == 0 {
		return "start"
	}
	return "update"
}

func stateOf(c change) string {
	switch c.event.Data.(type) {
	case *event.AlertClosed:
		return "inactive"
	case *event.AlertEased:
		return "latched" // nothing is found any more, and somebody has to close it
	default:
		return "active"
	}
}

// mdc are the codes of ISO/IEEE 11073-10101 for what we measure, and for its unit.
var mdc = map[event.Quantity]struct{ quantity, unit string }{
	event.SpO2Percent:       {"150456^MDC_PULS_OXIM_SAT_O2^MDC", "262688^MDC_DIM_PERCENT^MDC"},
	event.RespirationPerMin: {"151562^MDC_RESP_RATE^MDC", "264928^MDC_DIM_RESP_PER_MIN^MDC"},
	event.SystolicMmHg:      {"150021^MDC_PRESS_BLD_NONINV_SYS^MDC", "266016^MDC_DIM_MMHG^MDC"},
	event.DiastolicMmHg:     {"150022^MDC_PRESS_BLD_NONINV_DIA^MDC", "266016^MDC_DIM_MMHG^MDC"},
	event.MeanPressureMmHg:  {"150023^MDC_PRESS_BLD_NONINV_MEAN^MDC", "266016^MDC_DIM_MMHG^MDC"},
	event.PulsePerMin:       {"149530^MDC_PULS_OXIM_PULS_RATE^MDC", "264864^MDC_DIM_BEAT_PER_MIN^MDC"},
	event.TemperatureCel:    {"150364^MDC_TEMP_BODY^MDC", "268192^MDC_DIM_DEGC^MDC"},
	event.WeightKg:          {"188736^MDC_MASS_BODY_ACTUAL^MDC", "263875^MDC_DIM_KILO_G^MDC"},
	event.PeakFlowLPerMin:   {"152584^MDC_FLOW_AWAY_EXP_FORCED_PEAK^MDC", "264992^MDC_DIM_L_PER_MIN^MDC"},
	event.GlucoseMmolPerL:   {"160368^MDC_CONC_GLU_UNDETERMINED_PLASMA^MDC", "266866^MDC_DIM_MILLI_MOLE_PER_L^MDC"},
}
