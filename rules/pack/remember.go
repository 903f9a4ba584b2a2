package pack

import (
	"sync"

	"tocsin/rules"
)

// Remembering answers a Compile that does each text once, for any number of goroutines: owners, screens and the registrar ask
// for the same few packs, and a pack is never altered once it is made. A text with faults is not kept.
func Remembering() func(text string) (*rules.Pack, error) {
	var mu sync.Mutex
	known := map[string]func() (*rules.Pack, error){}
	return func(text string) (*rules.Pack, error) {
		mu.Lock()
		once := known[text]
		if once == nil {
			once = sync.OnceValues(func() (*rules.Pack, error) { return Compile(text) })
			known[text] = once
		}
		mu.Unlock()
		p, err := once()
		if err != nil {
			mu.Lock()
			delete(known, text)
			mu.Unlock()
		}
		return p, err
	}
}
