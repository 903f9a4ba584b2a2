package deploy

import (
	"context"
	"errors"
	"fmt"

	"tocsin/deploy/demo"
	"tocsin/streams"
)

// startDemo lets the simulated ward in. What goes wrong with it ends the ward and nothing else.
func (a *App) startDemo(context.Context) error {
	if !a.cfg.demo {
		return nil
	}
	if a.run.MQTT == "" {
		return errors.New("the simulated ward speaks MQTT without TLS: leave mqtt.listen on for it, on loopback")
	}
	w := work(func(ctx context.Context) error {
		err := demo.Run(ctx, demo.Options{
			Log: a.store, View: a.view, Asker: a.asker, Edge: a.edge, Broker: "tcp://" + a.run.MQTT, Vault: a.vault, Logger: a.log,
			Began: func() {
				fmt.Fprintf(a.out, "  demo      forty simulated patients publish now; the first warning stands on http://%s within a minute\n\n", a.run.HTTP)
			},
		})
		if ctx.Err() == nil {
			a.log.Error("the simulated ward ended", streams.KeyErr, err)
		}
		return nil
	}, func(error) {})
	a.onStop("demo", w.stop)
	return nil
}
