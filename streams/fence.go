package streams

import (
	"errors"
	"fmt"
	"runtime/debug"

	"tocsin/streams/event"
)

// fence puts on record that part i failed for this subject. When it is not one rule that failed but the whole part,
// the partition's own warning says so too: the part that failed may be the one which warns.
func (p *Processor[S, F]) fence(key string, i int, of string, passed bool, err error) []event.Envelope {
	if passed {
		p.work.skip[i] = of
	}
	f := &event.RuleFenced{Machine: p.parts.name(i), Of: of, Passed: passed, Detail: cut(err.Error(), 2000)}
	var rule event.RulePanic
	if errors.As(err, &rule) {
		f.Rule = rule.Rule
	}
	var where panicked
	if p.OnPanic != nil && errors.As(err, &where) {
		p.OnPanic(f.Machine, err, where.stack)
	}
	said := p.emit(key, f, of)
	if whole := PartitionKey(p.partition); f.Rule == "" && key != whole {
		said = append(said, p.emit(whole, &event.TechnicalFault{Kind: "fenced", Offset: -1, Detail: fmt.Sprintf("%s failed for one patient (event %s): %s", f.Machine, of, cut(f.Detail, 300))}, of)...)
	}
	return said
}

// panicked is a panic of a core. Its stack is for whoever mends it and never for the log: it differs from run to run.
type panicked struct {
	cause any
	stack []byte
}

func (p panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// guard turns a panic of a core into an error.
func guard(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if rule, ok := r.(event.RulePanic); ok {
				err = rule
				return
			}
			err = panicked{cause: r, stack: debug.Stack()}
		}
	}()
	return call()
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// fenceName is how a patient remembers what failed while waiting.
func fenceName(machine, rule string) string {
	if rule == "" {
		return machine
	}
	return machine + "/" + rule
}
