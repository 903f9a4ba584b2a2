package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	chproto "github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// The engine writes Native blocks at protocol revision 0, without the fields that a client of the HTTP protocol asks
// for by client_protocol_version: the block's info, and a byte a column that says whether it is stored specially.
const (
	revisionBlockInfo     = 51903
	revisionSerialization = proto.DBMS_MIN_REVISION_WITH_CUSTOM_SERIALIZATION
)

// atRevision writes the blocks in raw, which are at revision 0, as a client of the given revision reads them. raw must
// hold whole blocks.
func atRevision(w io.Writer, raw []byte, revision uint64) error {
	if revision < revisionBlockInfo {
		_, err := w.Write(raw)
		return err
	}
	reader := chproto.NewReader(bytes.NewReader(raw))
	for {
		block := proto.NewBlock()
		if err := block.Decode(reader, 0); err != nil {
			if errors.Is(err, io.EOF) && len(block.Columns) == 0 {
				return nil
			}
			return fault(codeNotImplemented, "NOT_IMPLEMENTED",
				"The embedded engine cannot hand on this column in Native format: %v; cast it to a plain type", err)
		}
		var out chproto.Buffer
		if err := encode(&out, block, revision); err != nil {
			return fmt.Errorf("block for revision %d: %w", revision, err)
		}
		if _, err := w.Write(out.Buf); err != nil {
			return err
		}
	}
}

func encode(out *chproto.Buffer, block *proto.Block, revision uint64) error {
	if block.Rows() > 0 {
		return block.Encode(out, revision)
	}
	if err := block.EncodeHeader(out, revision); err != nil {
		return err
	}
	for _, c := range block.Columns { // a block without rows has no bytes of data, not even the prefix of a dictionary
		out.PutString(c.Name())
		out.PutString(string(c.Type()))
		if revision >= revisionSerialization {
			out.PutBool(false)
		}
	}
	return nil
}
