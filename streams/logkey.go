package streams

// The keys of log lines, for every edge. The cores do not log.
const (
	KeyPatient   = "patient" // our opaque id, never a name
	KeyDevice    = "device"
	KeyAlert     = "alert"
	KeyEvent     = "event"
	KeyType      = "type"
	KeyTopic     = "topic"
	KeyPartition = "partition"
	KeyOffset    = "offset"
	KeyTook      = "took"
	KeyErr       = "err"
	KeyRole      = "role"
	KeyAddr      = "addr"
	KeyPart      = "part"
)
