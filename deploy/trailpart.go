package deploy

import (
	"context"
	"os"

	"tocsin/streams/trail"
)

// The files of the audit log in the data folder, unless the configuration names others.
const (
	auditKeyFile   = "audit.key"
	auditHeadsFile = "audit.heads"
)

// AuditConfig is where the audit log's key lies and its heads are written.
type AuditConfig struct {
	KeyFile string `yaml:"key_file"`
	Heads   string `yaml:"heads"`
}

func (c *Config) auditKey() string { return orPath(c.Audit.KeyFile, c.path(auditKeyFile)) }

func (c *Config) auditHeads() string { return orPath(c.Audit.Heads, c.path(auditHeadsFile)) }

func orPath(set, usual string) string {
	if set != "" {
		return set
	}
	return usual
}

// startTrail opens the audit log for the desk, which is its one writer. It stands before the desk, so that it ends after it.
func (a *App) startTrail(context.Context) error {
	if !a.cfg.has(roleDesk) {
		return nil
	}
	if err := os.MkdirAll(a.cfg.Data, 0o700); err != nil {
		return err
	}
	key, made, err := trail.Key(a.cfg.auditKey())
	if err != nil {
		return err
	}
	if made {
		a.log.Info("the audit log has a key now: keep its public half where nobody can change it", "public", trail.Public(key), "path", a.cfg.auditKey()+".pub")
		a.auditKey = trail.Public(key)
	}
	a.trail, err = trail.New(trail.Options{Log: a.store.Lingering(doorLinger), Process: a.cfg.Name, Key: key, Heads: a.cfg.auditHeads(), Logger: a.log})
	if err != nil {
		return err
	}
	a.runs("audit log", func(ctx context.Context) error { return noneIfTold(ctx, a.trail.Run(ctx)) })
	return nil
}

// noneIfTold is nil for a part that ended because it was told to.
func noneIfTold(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
