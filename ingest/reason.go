package ingest

import "tocsin/ingest/format"

// The reasons in ObservationRejected: fixed words that may be counted and searched for. The detail beside each is for whoever mends it.
const (
	Unreadable      = format.Unreadable  // not the format's shape
	Version         = format.Version     // a version of the format that we do not know
	TooLarge        = "too_large"        // over 64 KiB
	ForeignTopic    = "foreign_topic"    // published under another's topic
	UnknownDevice   = "unknown_device"   // bound to nobody
	Revoked         = "revoked"          // the device has lost its access
	PatientMismatch = "patient_mismatch" // the device names another patient than the one it is bound to
	Clock           = format.BadTime     // when it was measured cannot be known
	Future          = "future"           // measured after it came in
	TooOld          = "too_old"          // measured too long before it came in
	Empty           = "empty"            // an upload without readings and answers
	UnknownCode     = "unknown_code"     // what was measured is not in our table, or an answer's code may be a reading gone astray
	UnitReason      = "unit"             // no unit, or none that fits
	ValueReason     = "value"            // no value, or of the wrong kind
	NotANumber      = "not_a_number"     // a special value of IEEE 11073
	Impossible      = "impossible"       // no body can do that
	Duplicate       = "duplicate"        // one quantity or answer with two values
)
