package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"tocsin/ingest/format"
)

// identity is by what a repeat is known: device, boot and sequence number when the sender gave both; else its own id of
// the upload; else a hash of the bytes. It never depends on a time, a connection or a door, so the same upload has the
// same identity wherever and whenever it comes in again (DESIGN.md, Time).
type identity struct {
	msgID     string
	boot, seq int64
	sequenced bool
}

// identify answers the identity of an upload. Without a sender's id and numbers it makes a msg_id that begins with '#'.
func identify(u *format.Upload, payload []byte) identity {
	id := identity{msgID: string(u.MsgID)}
	if u.HasBoot && u.HasSeq {
		id.boot, id.seq, id.sequenced = u.Boot, u.Seq, true
	}
	if !id.sequenced && id.msgID == "" {
		id.msgID = fingerprint(payload)
	}
	return id
}

// event answers the id of the event: {device}/{boot}/{seq}, else {device}/{msg_id}.
func (id identity) event(device string) string {
	if !id.sequenced {
		return device + "/" + id.msgID
	}
	b := make([]byte, 0, len(device)+24)
	b = append(append(b, device...), '/')
	b = append(strconv.AppendInt(b, id.boot, 10), '/')
	return string(strconv.AppendInt(b, id.seq, 10))
}

func fingerprint(payload []byte) string {
	sum := sha256.Sum256(payload)
	return "#" + hex.EncodeToString(sum[:12])
}
