package streams

import "tocsin/streams/event"

// Three holds what three machines keep, side by side.
type Three[A, B, C any] struct {
	A A `json:"a"`
	B B `json:"b"`
	C C `json:"c"`
}

// Join makes one machine of three. Each event is applied to all of them, then each is asked what follows, in this
// order. The names say which of them a fence was put up for.
func Join[A, B, C, FA, FB, FC any](names [3]string, a Machine[A, FA], b Machine[B, FB], c Machine[C, FC]) Parts[Three[A, B, C], Three[FA, FB, FC]] {
	return joined[A, B, C, FA, FB, FC]{a, b, c, names}
}

// Alone runs one machine by itself.
func Alone[S, F any](name string, m Machine[S, F]) Parts[S, F] { return alone[S, F]{m, name} }

// Parts is one or several machines over one state, each reached by its number, so that the fence can tell which of them
// failed and go on with the others. What a part that fails was given stays as it was.
type Parts[S, F any] interface {
	count() int
	name(i int) string
	common(i int, f *F, e event.Envelope, at event.Time) error
	apply(i int, f *F, s *S, e event.Envelope, at event.Time) error
	decide(i int, f *F, s *S, e event.Envelope, now event.Time) ([]event.Event, error)
	due(i int, f *F, s *S, now event.Time) []event.Event
	nextDue(i int, f *F, s *S) event.Time
	// quietly applies e to all of s when no part has anything to say, and answers when the first of them is to be asked next.
	// Otherwise it is false, and s is as it was.
	quietly(f *F, s *S, e event.Envelope, now event.Time) (next event.Time, quiet bool)
}

type alone[S, F any] struct {
	m    Machine[S, F]
	self string
}

func (a alone[S, F]) count() int      { return 1 }
func (a alone[S, F]) name(int) string { return a.self }
func (a alone[S, F]) common(_ int, f *F, e event.Envelope, at event.Time) error {
	return commonOf(a.m, f, e, at)
}
func (a alone[S, F]) apply(_ int, f *F, s *S, e event.Envelope, at event.Time) error {
	return applyOf(a.m, *f, s, e, at)
}
func (a alone[S, F]) decide(_ int, f *F, s *S, e event.Envelope, now event.Time) ([]event.Event, error) {
	return a.m.Decide(*f, *s, e, now)
}
func (a alone[S, F]) due(_ int, f *F, s *S, now event.Time) []event.Event {
	return a.m.Due(*f, *s, now)
}
func (a alone[S, F]) nextDue(_ int, f *F, s *S) event.Time { return a.m.NextDue(*f, *s) }

func (a alone[S, F]) quietly(f *F, s *S, e event.Envelope, now event.Time) (event.Time, bool) {
	return quietOf(a.m, f, s, e, now)
}

type joined[A, B, C, FA, FB, FC any] struct {
	a     Machine[A, FA]
	b     Machine[B, FB]
	c     Machine[C, FC]
	names [3]string
}

func (j joined[A, B, C, FA, FB, FC]) count() int        { return 3 }
func (j joined[A, B, C, FA, FB, FC]) name(i int) string { return j.names[i] }

func (j joined[A, B, C, FA, FB, FC]) common(i int, f *Three[FA, FB, FC], e event.Envelope, at event.Time) error {
	switch i {
	case 0:
		return commonOf(j.a, &f.A, e, at)
	case 1:
		return commonOf(j.b, &f.B, e, at)
	default:
		return commonOf(j.c, &f.C, e, at)
	}
}

func (j joined[A, B, C, FA, FB, FC]) apply(i int, f *Three[FA, FB, FC], s *Three[A, B, C], e event.Envelope, at event.Time) error {
	switch i {
	case 0:
		return applyOf(j.a, f.A, &s.A, e, at)
	case 1:
		return applyOf(j.b, f.B, &s.B, e, at)
	default:
		return applyOf(j.c, f.C, &s.C, e, at)
	}
}

func (j joined[A, B, C, FA, FB, FC]) decide(i int, f *Three[FA, FB, FC], s *Three[A, B, C], e event.Envelope, now event.Time) ([]event.Event, error) {
	switch i {
	case 0:
		return j.a.Decide(f.A, s.A, e, now)
	case 1:
		return j.b.Decide(f.B, s.B, e, now)
	default:
		return j.c.Decide(f.C, s.C, e, now)
	}
}

func (j joined[A, B, C, FA, FB, FC]) due(i int, f *Three[FA, FB, FC], s *Three[A, B, C], now event.Time) []event.Event {
	switch i {
	case 0:
		return j.a.Due(f.A, s.A, now)
	case 1:
		return j.b.Due(f.B, s.B, now)
	default:
		return j.c.Due(f.C, s.C, now)
	}
}

func (j joined[A, B, C, FA, FB, FC]) nextDue(i int, f *Three[FA, FB, FC], s *Three[A, B, C]) event.Time {
	switch i {
	case 0:
		return j.a.NextDue(f.A, s.A)
	case 1:
		return j.b.NextDue(f.B, s.B)
	default:
		return j.c.NextDue(f.C, s.C)
	}
}

// quietly takes back what the last two have folded when it turns out that the first is not quiet, or fails: it costs most, and so
// is asked when the others are known to be.
func (j joined[A, B, C, FA, FB, FC]) quietly(f *Three[FA, FB, FC], s *Three[A, B, C], e event.Envelope, now event.Time) (next event.Time, quiet bool) {
	b, c := s.B, s.C
	defer func() {
		if !quiet {
			s.B, s.C = b, c
		}
	}()
	nextC, quietC := quietOf(j.c, &f.C, &s.C, e, now)
	if !quietC {
		return 0, false
	}
	nextB, quietB := quietOf(j.b, &f.B, &s.B, e, now)
	if !quietB {
		return 0, false
	}
	next, quiet = quietOf(j.a, &f.A, &s.A, e, now)
	return min(next, nextB, nextC), quiet
}

func quietOf[S, F any](m Machine[S, F], f *F, s *S, e event.Envelope, now event.Time) (event.Time, bool) {
	if q, ok := m.(Quiet[S, F]); ok {
		return q.Quietly(f, s, e, now)
	}
	next, err := m.Apply(*f, *s, e, now)
	if err != nil {
		return 0, false
	}
	events, err := m.Decide(*f, next, e, now)
	if err != nil || len(events) > 0 {
		return 0, false
	}
	due := m.NextDue(*f, next)
	*s = next
	return due, true
}

// applyOf replaces s only when m did not fail.
func applyOf[S, F any](m Machine[S, F], f F, s *S, e event.Envelope, at event.Time) error {
	next, err := m.Apply(f, *s, e, at)
	if err == nil {
		*s = next
	}
	return err
}

// commonOf replaces f only when m did not fail.
func commonOf[S, F any](m Machine[S, F], f *F, e event.Envelope, at event.Time) error {
	next, err := m.Common(*f, e, at)
	if err == nil {
		*f = next
	}
	return err
}
