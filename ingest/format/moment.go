package format

import "tocsin/streams/event"

// parseMoment reads RFC 3339 with an offset, with Z, or with neither; what is finer than a millisecond is cut off.
func parseMoment(b []byte) (Moment, bool) {
	const base = len("2006-01-02T15:04:05")
	if len(b) < base || b[4] != '-' || b[7] != '-' || b[10] != 'T' || b[13] != ':' || b[16] != ':' {
		return Moment{}, false
	}
	y1, ok1 := two(b, 0)
	y2, ok2 := two(b, 2)
	m, ok3 := two(b, 5)
	d, ok4 := two(b, 8)
	h, ok5 := two(b, 11)
	min, ok6 := two(b, 14)
	s, ok7 := two(b, 17)
	y := y1*100 + y2
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7) || y < 1 || m < 1 || m > 12 || d < 1 || d > event.DaysIn(y, m) || h > 23 || min > 59 || s > 59 {
		return Moment{}, false
	}
	ms, rest, ok := fraction(b[base:])
	if !ok {
		return Moment{}, false
	}
	shown := ((event.DayOf(y, m, d)*24+int64(h))*60+int64(min))*60_000 + int64(s)*1000 + ms
	return zone(event.Time(shown), rest)
}

// zone reads what follows the seconds and moves the time that the clock showed to UTC.
func zone(shown event.Time, b []byte) (Moment, bool) {
	switch {
	case len(b) == 0:
		return Moment{Form: Zoneless, Ms: shown}, true
	case len(b) == 1 && b[0] == 'Z':
		return Moment{Form: Zulu, Ms: shown}, true
	case len(b) == 6 && (b[0] == '+' || b[0] == '-') && b[3] == ':':
		h, ok1 := two(b, 1)
		min, ok2 := two(b, 4)
		if !ok1 || !ok2 || h > 23 || min > 59 {
			return Moment{}, false
		}
		off := h*60 + min
		if b[0] == '-' {
			off = -off
		}
		return Moment{Form: Offset, Ms: shown - event.Time(off)*60_000, ZoneMin: off}, true
	}
	return Moment{}, false
}

// fraction reads up to nine decimals of a second and answers milliseconds.
func fraction(b []byte) (ms int64, rest []byte, ok bool) {
	if len(b) == 0 || b[0] != '.' {
		return 0, b, true
	}
	i := 1
	for p := int64(100); i < len(b) && b[i]-'0' <= 9; i++ {
		ms += int64(b[i]-'0') * p
		p /= 10
	}
	return ms, b[i:], i > 1 && i <= 10
}

func two(b []byte, i int) (int, bool) {
	x, y := b[i]-'0', b[i+1]-'0'
	return int(x)*10 + int(y), x <= 9 && y <= 9
}
