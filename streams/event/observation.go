package event

// ObservationRecorded is one upload of one device for one patient: everything that was measured at one moment and
// was believed or may yet be. It lies in `inputs` under the patient's key.
type ObservationRecorded struct {
	Device string `json:"device"`
	MsgID  string `json:"msg_id,omitempty"`
	// BootID and Seq count the device's uploads; Sequenced tells whether the sender gave both. They are the identity
	// of a reading, together with device and quantity; without them it is MsgID (made by the door when the sender gave none).
	BootID    int64 `json:"boot_id,omitempty"`
	Seq       int64 `json:"seq,omitempty"`
	Sequenced bool  `json:"sequenced,omitempty"`

	MeasuredAt Time  `json:"measured_at"`          // the device's time, corrected
	GatewayAt  *Time `json:"gateway_at,omitempty"` // a home gateway's clock, when there is one
	ReceivedAt Time  `json:"received_at"`          // ours
	Clock      Clock `json:"clock"`

	Readings []Reading `json:"readings"`
	Answers  []Answer  `json:"answers,omitempty"`
	Door     string    `json:"door"` // which door took it in: gateway, bridge, http, by its name

	// Late is set by the fold and never written: the upload is older than the memory of what has been folded, so nobody
	// can tell whether it is a repeat. It is kept and pages nobody.
	Late bool `json:"-"`
}

// Reading is one measured quantity.
type Reading struct {
	Quantity Quantity `json:"quantity"`
	Value    Decimal  `json:"value"`          // in the unit that the quantity's name says; acvpu: 0 A, 1 C, 2 V, 3 P, 4 U
	Mark     Mark     `json:"mark,omitempty"` // empty: plausible and of good quality
}

// Answer is what an app, a carer or a laboratory reported under a code: yes is 1, no is 0, numbers stand in the unit that
// the pack's question gives. Any code is kept; only those that a pack of the patient asks for are judged.
type Answer struct {
	Code  string  `json:"code"` // [a-z][a-z0-9_]{0,47}
	Value Decimal `json:"value"`
	// Unit is the UCUM unit as sent; empty: the one that the question gives. An answer in another unit is judged by nobody.
	Unit string `json:"unit,omitempty"`
}

// IsCode tells whether s can be the code of an answer, a fact or a question of a pack.
func IsCode(s string) bool {
	if len(s) == 0 || len(s) > 48 || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// Mark is a doubt about a reading that is kept with it for ever.
type Mark string

// The marks. Only a reading without one is scored; the others are shown and say why.
const (
	Plausible   Mark = ""
	Unconfirmed Mark = "unconfirmed" // implausible: waits for a repeat or a second concordant reading
	LowQuality  Mark = "low_quality" // the sender itself doubts it
	TestData    Mark = "test"        // the sender says that nobody was measured
)

// Clock says how MeasuredAt came about.
type Clock struct {
	Quality       ClockQuality `json:"quality"`
	OffsetMs      int64        `json:"offset_ms"`                 // added to the device's own time
	ZoneOffsetMin *int         `json:"zone_offset_min,omitempty"` // the offset from UTC in which the device spoke
	Action        string       `json:"action,omitempty"`          // the row's answer in the table of corrections
}

// ClockQuality is how far MeasuredAt can be believed.
type ClockQuality string

// The clock qualities of ING-3.
const (
	ClockOK        ClockQuality = "ok"
	ClockCorrected ClockQuality = "corrected"
	ClockUnsynced  ClockQuality = "unsynced"
	ClockFuture    ClockQuality = "future"
	ClockTooOld    ClockQuality = "too_old"
)

// ObservationRejected is what came in and could not be read or believed: the bytes as they came and the reason. It
// lies in `rejected` under the device's id and is re-driven after a fix.
type ObservationRejected struct {
	Device     string `json:"device"`
	Tenant     string `json:"tenant,omitempty"`
	MsgID      string `json:"msg_id,omitempty"`
	ReceivedAt Time   `json:"received_at"`
	Door       string `json:"door"`
	Topic      string `json:"topic,omitempty"`
	Reason     string `json:"reason"` // a fixed word, such as unreadable, unit, impossible, clock, patient_mismatch
	Detail     string `json:"detail"` // for whoever mends it
	Raw        []byte `json:"raw"`    // the payload as it came, base64 in JSON
}

// RecordRejected is a record of the log itself that could not be decoded: where it stands, its bytes and the reason.
type RecordRejected struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Reason    string `json:"reason"`
	Key       []byte `json:"key,omitempty"`
	Headers   []byte `json:"headers,omitempty"` // the record's headers as JSON
	Raw       []byte `json:"raw"`
}

// DoorOpened is written by each door to every partition of `inputs` every few seconds, one at a time and never
// buffered. A long stretch without one counts for nobody's silence.
type DoorOpened struct {
	Door       string `json:"door"`
	ReceivedAt Time   `json:"received_at"`
	Directory  int64  `json:"directory"` // how far this door has read the directory: the offset after the last step that held
}

func (*ObservationRecorded) Type() Type { return "observation.recorded" }
func (*ObservationRejected) Type() Type { return "observation.rejected" }
func (*RecordRejected) Type() Type      { return "record.rejected" }
func (*DoorOpened) Type() Type          { return "door.open" }
