package deploy

import (
	"context"
	"errors"
	"fmt"

	"tocsin/care/vault"
	"tocsin/streams"
)

// VaultConfig says where the keys of the vault lie, in which who patients are is kept.
type VaultConfig struct {
	Off    bool   `yaml:"off"`
	Master string `yaml:"master_key"` // file; empty: vault.master in the data folder
	Keys   string `yaml:"keys"`       // folder; empty: vault.keys in the data folder
}

func (c *Config) masterKey() string {
	if c.Vault.Master != "" {
		return c.Vault.Master
	}
	return c.path("vault.master")
}

func (c *Config) patientKeys() string {
	if c.Vault.Keys != "" {
		return c.Vault.Keys
	}
	return c.path("vault.keys")
}

// startVault opens the vault for the desk, and for the notifier where carers are told. `up` makes the master key at its first start; where parts run apart nobody does, since two
// would make two.
func (a *App) startVault(context.Context) error {
	if !a.cfg.has(roleDesk) && !a.cfg.tellsCarers() || a.cfg.Vault.Off {
		return nil
	}
	file, folder := a.cfg.masterKey(), a.cfg.patientKeys()
	v, err := vault.Open(file, folder)
	if errors.Is(err, vault.ErrNoMaster) && a.cfg.whole {
		if err = vault.NewMaster(file, folder); err == nil {
			a.newMaster = file
			v, err = vault.Open(file, folder)
		}
	}
	if errors.Is(err, vault.ErrNoMaster) && !a.cfg.whole && a.cfg.Vault.Master == "" {
		a.log.Warn("who patients are is kept nowhere: there is no master key; make one with `tocsin vault init`, the same for every desk and for the notifier", "file", file, streams.KeyErr, err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w (vault.master_key and vault.keys of the configuration; vault.off goes on without names)", err)
	}
	a.vault = v
	return nil
}
