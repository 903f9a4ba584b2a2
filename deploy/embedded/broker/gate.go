package broker

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// disk is asked before any byte leaves the broker: it answers when everything that was written to files before the
// call is on disk.
type disk interface{ settle() error }

// gate lets no answer out before what it rests on is on disk: neither the acknowledgement of a record nor the record
// itself, to whoever waits for it. So kfake need not sync, which it would do twice for each batch and one after the
// other on its only goroutine: answers that wait at the same time share one sync of each file, files side by side.
// And a sync that fails is no longer kept from whoever writes: from then on nothing is answered.
type gate struct {
	net.Listener
	disk disk
}

func (g gate) Accept() (net.Conn, error) {
	c, err := g.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &guarded{Conn: c, disk: g.disk}, nil
}

// guarded is one client's connection. kfake writes one whole answer at a time.
type guarded struct {
	net.Conn
	disk disk
	head []byte // read and checked, not yet handed on
	left int    // bytes of the request behind head
}

func (c *guarded) Write(b []byte) (int, error) {
	if err := c.disk.settle(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// maxRequest is beyond any request of ours: a writer sends at most a batch of 1 MiB for each partition.
const maxRequest = 128 << 20

// Read hands requests on. It looks at the beginning of each, because kfake ends the whole process over an unknown kind
// of request: a browser or a port scanner would do.
func (c *guarded) Read(b []byte) (int, error) {
	if len(c.head) == 0 && c.left == 0 {
		if err := c.begin(); err != nil {
			return 0, err
		}
	}
	if len(c.head) > 0 {
		n := copy(b, c.head)
		c.head = c.head[n:]
		return n, nil
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// begin reads the size and the kind of the next request.
func (c *guarded) begin() error {
	head := make([]byte, 6)
	if _, err := io.ReadFull(c.Conn, head); err != nil {
		return err
	}
	size, kind := binary.BigEndian.Uint32(head), int16(binary.BigEndian.Uint16(head[4:]))
	if size < 8 || size > maxRequest || kmsg.RequestForKey(kind) == nil {
		return fmt.Errorf("%s does not speak Kafka's protocol", c.RemoteAddr())
	}
	c.head, c.left = head, int(size)-2
	return nil
}
