// Package ingest says what an upload means before it reaches the log: which patient, which quantities in our units,
// measured when, and whether a body can do that. It is pure: no clock, no I/O, no goroutine. What it believes becomes
// event.ObservationRecorded; everything else becomes event.ObservationRejected with the bytes and the reason. Nothing
// that comes in is dropped, and nothing is changed to fit.
//
// The doors stand below: gateway (our own MQTT server), bridge (another MQTT server's subscriber), and door, which has what
// doors share. format reads the wire formats.
package ingest
