package deploy

import (
	"context"
	"strings"
)

// startAuditor lets `tocsin audit watch` run as our child when everything runs in this tree: in another process, it goes on
// when what it watches hangs.
func (a *App) startAuditor(context.Context) error {
	if !a.cfg.whole {
		return nil
	}
	return a.keeps("auditor", func(context.Context) ([]string, error) {
		args := []string{"audit", "watch", "--kafka", strings.Join(a.brokers, ","), "--follow-stdin"}
		if a.cfg.Log.Security != (LogSecurity{}) {
			args = append(args, "--config", a.cfg.file)
		}
		return args, nil
	})
}
