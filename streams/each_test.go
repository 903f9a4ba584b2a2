package streams

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"tocsin/streams/event"
)

// A partition of ten records, of which the first three are trimmed; record n was written at n seconds.
func TestEachHandsOnAStretchAndNoMore(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	log := NewMemory(1)
	w, err := log.Write("test")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		log.Now = func() time.Time { return time.Unix(int64(n), 0) }
		if _, err := AppendWait(ctx, w, Record{Topic: Inputs, Key: []byte("k"), Value: []byte{byte(n)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Trim(Inputs, 0, 3); err != nil {
		t.Fatal(err)
	}
	read := func(from, to int64, most int) (all []int64, err error) {
		err = Each(ctx, log, Inputs, 0, from, to, func(r Record) error {
			if all = append(all, r.Offset); len(all) == most {
				return ErrEnough
			}
			return nil
		})
		return all, err
	}
	for _, c := range []struct {
		from, to int64
		most     int
		want     []int64
	}{
		{3, 6, -1, []int64{3, 4, 5}},
		{8, 10, -1, []int64{8, 9}},
		{5, Endless, 2, []int64{5, 6}},
		{7, 7, -1, nil},
		{9, 2, -1, nil},
	} {
		if got, err := read(c.from, c.to, c.most); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("[%d, %d): %v, %v; want %v", c.from, c.to, got, err, c.want)
		}
	}
	if got, err := read(0, 10, -1); !errors.Is(err, ErrTrimmed) || got != nil {
		t.Errorf("what is trimmed: %v, %v", got, err)
	}
	fault := errors.New("no")
	if err := Each(ctx, log, Inputs, 0, 3, Endless, func(Record) error { return fault }); !errors.Is(err, fault) {
		t.Errorf("a fault of take: %v", err)
	}
	for at, want := range map[int64]int64{2: 3, 3: 4, 8: 9, 9: 10, 99: 10} {
		if got, err := WrittenAfter(ctx, log, Inputs, 0, 3, 10, event.Time(at*1000)); err != nil || got != want {
			t.Errorf("written after %d s: %d, %v; want %d", at, got, err, want)
		}
	}
}
