package event

import (
	"errors"
	"fmt"
	"time"
)

// Time is a moment in UTC, in milliseconds since 1970-01-01T00:00:00Z. It is a plain number so that
// a fold can neither ask for the present nor carry a zone or a monotonic reading with it: two programs that
// fold the same log hold the same bytes. In JSON it reads "2026-03-02T07:14:00.000Z".
type Time int64

// Never is later than every moment that can be written down. NextDue answers it when nothing is waited for.
const Never Time = 1<<63 - 1

// The span that RFC 3339 can say with four digits for the year.
const (
	earliest Time = -62135596800000 // 0001-01-01T00:00:00.000Z
	latest   Time = 253402300799999 // 9999-12-31T23:59:59.999Z
)

// TimeOf cuts t down to the millisecond.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std answers t for whoever needs the standard library's type. It is in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add answers the moment d after t. Never stays Never.
func (t Time) Add(d time.Duration) Time {
	if t == Never {
		return Never
	}
	return t + Time(d.Milliseconds())
}

// Sub answers how long after u the moment t lies, in whole milliseconds.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

// Before, After and Max compare as numbers do; they exist because they read better.
func (t Time) Before(u Time) bool { return t < u }

// After tells whether t is later than u.
func (t Time) After(u Time) bool { return t > u }

// String prints t as RFC 3339 with milliseconds, or "never".
func (t Time) String() string {
	if t == Never {
		return "never"
	}
	return string(t.Append(nil))
}

// Append writes t as RFC 3339 in UTC with exactly three decimals.
func (t Time) Append(b []byte) []byte {
	if t < 0 || t > latest {
		return t.Std().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	}
	return appendMoment(b, t)
}

// MarshalJSON writes RFC 3339 with three decimals; Never is null. A moment outside the years 1 to 9999 is an error.
func (t Time) MarshalJSON() ([]byte, error) {
	if t == Never {
		return []byte("null"), nil
	}
	if t < earliest || t > latest {
		return nil, fmt.Errorf("time %d ms is outside the years 1 to 9999", int64(t))
	}
	b := append(make([]byte, 0, 26), '"')
	return append(t.Append(b), '"'), nil
}

// UnmarshalJSON reads any RFC 3339 time with an offset; what is finer than a millisecond is cut off. null is Never.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Never
		return nil
	}
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return errors.New("time: want a string such as \"2026-03-02T07:14:00.000Z\"")
	}
	p, err := ParseTime(string(b[1 : len(b)-1]))
	if err != nil {
		return err
	}
	*t = p
	return nil
}

// ParseTime reads RFC 3339 with an offset or Z. What no event could be written with is refused.
func ParseTime(s string) (Time, error) {
	if t, ok := momentOf([]byte(s)); ok {
		return t, nil
	}
	p, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return 0, fmt.Errorf("time %q: want RFC 3339 with an offset or Z, such as 2026-03-02T07:14:00+08:00", s)
	}
	t := TimeOf(p)
	if t < earliest || t > latest {
		return 0, fmt.Errorf("time %q lies outside the years 1 to 9999", s)
	}
	return t, nil
}
