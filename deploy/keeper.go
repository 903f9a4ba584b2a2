package deploy

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tocsin/alerts"
	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// keeper works the rotas out anew each day and tells of the gaps and strangers of the next 14 days (ALR-10). Two of them come to
// the same, and the log takes it once.
type keeper struct {
	view *directory.View
	ask  func(context.Context, event.Event) error
	tell func(context.Context, event.Envelope) error
	now  func() event.Time
	log  *slog.Logger

	told map[string]bool // faults that lie in the log
}

// rotaSubject is whose technical warning the faults of rotas are.
var rotaSubject = streams.PatientKey(streams.SystemTenant, "rota")

// keeperEvery is how often the keeper looks; it does something once a day, or when a rota was set since.
const keeperEvery = time.Minute

func (k *keeper) run(ctx context.Context) error {
	if err := k.view.WaitReady(ctx); err != nil {
		return nil // it was stopped before the directory was read
	}
	for {
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.log.Warn("the rotas could not be worked out anew; it is tried again", "wait", keeperEvery, streams.KeyErr, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(keeperEvery):
		}
	}
}

// look brings every rota up to today.
func (k *keeper) look(ctx context.Context) error {
	for _, set := range k.view.Rotas() {
		r := set.Rota
		if r.Until != filledUntil(k.now()) {
			if err := fill(&r, k.now()); err != nil {
				return fmt.Errorf("the rota of %s: %w", set.About(), err) // it was worked out when it was set
			}
			// Who changes the rota at this moment is not overwritten; the next look works theirs out.
			if err := k.ask(ctx, &event.RotaRequested{Rota: r, By: "tocsin", Was: directory.RotaVersion(&set)}); err != nil {
				return fmt.Errorf("work out the rota of %s anew: %w", set.About(), err)
			}
		}
		if err := k.tellOf(ctx, r, set.About()); err != nil {
			return fmt.Errorf("tell of the rota of %s: %w", set.About(), err)
		}
	}
	return nil
}

// tellOf tells a fault once a day. Another keeper, or this one after a restart, may tell it again: the log takes it once.
func (k *keeper) tellOf(ctx context.Context, r event.Rota, about string) error {
	fault := k.fault(r)
	if fault == nil {
		return nil
	}
	report := k.report(about, fault)
	if k.told[report.ID] {
		return nil
	}
	if err := k.tell(ctx, report); err != nil {
		return err
	}
	if k.told == nil {
		k.told = map[string]bool{}
	}
	k.told[report.ID] = true
	return nil
}

// toldGaps is how many gaps are told one by one.
const toldGaps = 5

const rotaClock = "2006-01-02 15:04"

// fault words what is wrong with the next 14 days; nil: nothing.
func (k *keeper) fault(r event.Rota) *event.FaultReported {
	zone := zoneOf(r)
	var zh, en []string
	for i, g := range r.Gaps { // as of the beginning of the day, so that it is the same words, and one fault, until tomorrow
		if i == toldGaps {
			zh, en = append(zh, fmt.Sprintf("另有 %d 处", len(r.Gaps)-i)), append(en, fmt.Sprintf("and %d more times", len(r.Gaps)-i))
			break
		}
		from, until := g.From.Std().In(zone).Format(rotaClock), g.Until.Std().In(zone).Format(rotaClock)
		zh, en = append(zh, from+" 至 "+until+" 无人值班"), append(en, "nobody from "+from+" to "+until)
	}
	for _, account := range strangers(r, k.view) {
		zh, en = append(zh, account+" 没有账号"), append(en, account+" has no account")
	}
	if len(en) == 0 {
		return nil
	}
	of, step := strings.TrimSuffix(r.Tenant+"/"+r.Group, "/"), alerts.StepWords(r.Step)
	return &event.FaultReported{Kind: "rota_ahead", Detail: "rota " + step[1] + " of " + of + ": " + strings.Join(en, "; ") + "; mend it with tocsin rota set",
		DetailZh: of + " " + step[0] + "值班表：" + strings.Join(zh, "；") + "；请用 tocsin rota set 更正"}
}

// report makes it the same input for the whole day, so that it is told once.
func (k *keeper) report(rota string, fault *event.FaultReported) event.Envelope {
	now := k.now()
	return event.Envelope{ID: "rota-keeper/" + now.Std().Format("2006-01-02") + "/" + rota + "/" + directory.Sum(fault.Detail)[:12], Source: "rota-keeper",
		Subject: rotaSubject, At: now, Data: fault}
}

// appends writes an input of the program's own and waits until the log has it.
func (a *App) appends(ctx context.Context, e event.Envelope) error {
	kept := make(chan error, 1)
	a.edge.Append(streams.Inputs, e.Subject, e, func(_ int32, _ int64, err error) { kept <- err })
	select {
	case err := <-kept:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
