package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/care/vault"
	"tocsin/streams/event"
)

func vaultCommand() *cobra.Command {
	v := vaultReach{}
	c := &cobra.Command{
		Use: "vault", Short: "The keys under which it is kept who patients are",
		Long: "Who patients are (name, birth date, phones, carers, address) lies in the log sealed, under a key for each patient. The keys lie in a\n" +
			"folder, encrypted by a master key in a file. A backup needs both, kept apart; several desk servers share the folder. Where they lie\n" +
			"elsewhere than in --data, the file of --config says so.",
	}
	c.AddCommand(v.initCommand(), v.eraseCommand(), v.rotateCommand())
	v.add(c)
	return c
}

// vaultReach is where the keys are, and the log.
type vaultReach struct{ reach }

// keys answers where the master key and the patients' keys lie.
func (v *vaultReach) keys() (file, folder string, err error) {
	cfg, err := Load(v.config)
	if err != nil {
		return "", "", err
	}
	if v.config == "" || v.data != Default().Data {
		cfg.Data = v.data
	}
	cfg.Data = abs(cfg.Data)
	v.data = cfg.Data
	return cfg.masterKey(), cfg.patientKeys(), nil
}

func (v *vaultReach) open() (*vault.Vault, error) {
	file, folder, err := v.keys()
	if err != nil {
		return nil, err
	}
	return vault.Open(file, folder)
}

func (v *vaultReach) initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init", Short: "Make the master key, where parts run apart (`up` makes its own)", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			file, folder, err := v.keys()
			if err == nil {
				err = vault.NewMaster(file, folder)
			}
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "the master key is %s: give every desk server the same, and back it up apart from %s\n", file, folder)
			}
			return err
		},
	}
}

func (v *vaultReach) eraseCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "erase TENANT/PATIENT --reason REASON", Short: "Destroy a patient's key, so that nobody can tell any more who it is", Args: cobra.ExactArgs(1),
		Long: "Destroy a patient's key. What was sealed with it, in the log and in every copy of the log, cannot be opened any more by anybody; readings,\n" +
			"warnings and counts stay under the hospital's id. It cannot be undone. Destroy the key in the backups of the folder too, or run\n" +
			"`tocsin vault rotate-master` afterwards and destroy the old master key: then the keys in old backups open nothing.\n" +
			"Reasons: " + strings.Join(event.EraseReasons, ", ") + ".",
		RunE: func(c *cobra.Command, args []string) error {
			tenant, patient, ok := strings.Cut(args[0], "/")
			if !ok || tenant == "" || patient == "" {
				return usage("%q is no patient; want such as demo/P-0113", args[0])
			}
			if !slices.Contains(event.EraseReasons, reason) {
				return usage("vault erase needs --reason, one of %s", strings.Join(event.EraseReasons, ", "))
			}
			return v.erase(c, tenant, patient, reason)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "`REASON`: "+strings.Join(event.EraseReasons, ", "))
	return c
}

// erase destroys the key first: if noting it fails, nobody can open anything already, and it is run again.
func (v *vaultReach) erase(c *cobra.Command, tenant, patient, reason string) error {
	keys, err := v.open()
	if err != nil {
		return err
	}
	return withConnection(c, &v.reach, func(ctx context.Context, conn *connection) error {
		if _, known := conn.view.Patient(tenant, patient); !known {
			return fmt.Errorf("there is no patient %s of tenant %s", patient, tenant)
		}
		known, err := keys.Erase(tenant, patient)
		if err != nil {
			return err
		}
		if err := conn.ask(ctx, &event.EraseRequested{Tenant: tenant, Patient: patient, Reason: reason, By: by}); err != nil {
			return fmt.Errorf("the key is destroyed, but that is not noted yet: %w; run it again", err)
		}
		what := "its key is destroyed"
		if !known {
			what = "it had no key here"
		}
		fmt.Fprintf(c.OutOrStdout(), "%s/%s: %s, and that is noted\n", tenant, patient, what)
		return nil
	})
}

func (v *vaultReach) rotateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rotate-master", Short: "Make a new master key and wrap every patient's key with it", Args: cobra.NoArgs,
		Long: "Make a new master key, wrap every patient's key with it and destroy the old one, also while Tocsin runs. Broken off, it is run again.\n" +
			"Desk servers that have a copy of the master key of their own need the new one: until then they can open nobody.",
		RunE: func(c *cobra.Command, _ []string) error {
			keys, err := v.open()
			if err != nil {
				return err
			}
			n, err := keys.Rotate()
			if err != nil {
				return err
			}
			file, _, err := v.keys()
			if err == nil {
				fmt.Fprintf(c.OutOrStdout(), "%d keys are wrapped with the new master key %s: back it up, and destroy the old one\n", n, file)
			}
			return err
		},
	}
}
