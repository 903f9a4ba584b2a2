package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/care/vault"
	"tocsin/streams/directory"
)

func importCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{
		Use: "import FILE.csv", Short: "Enrol patients and bind their devices", Args: cobra.ExactArgs(1),
		Long: "Enrol patients and bind their devices, also in a running system. The first line names the columns tenant,patient,group,device,token.\n" +
			"The group of somebody with more than one disease is such as copd+heart-failure: the first leads the care, and the packs of all hold.\n" +
			"Unknown tenants and groups are made; a group without a pack of its own name uses news2. A device without a token gets one, which is\n" +
			"printed once. Importing the same file again changes nothing. Returns when every live gateway knows the devices. FILE may be -.\n\n" +
			"The community clinic to which a patient belongs may stand in the column clinic, by its id (tocsin clinic set); an empty cell leaves what\n" +
			"stands, and a row that names one that is not there, or is closed, is refused as a whole.\n\n" +
			"What the patients have agreed to may stand in the columns consent (the id of the form), consent_purposes (monitoring+sharing+research),\n" +
			"consent_form, consent_version, consent_given (a day or a moment), consent_how (paper, electronic, spoken, carried_over), consent_by\n" +
			"(patient, guardian, representative) and consent_until. Without one a patient is watched, and shared with nobody.\n\n" +
			"Who the patients are may stand in further columns, any of them:\n" + columnsHelp() +
			"Of a carer: name, relation, phone, phone2; up to five, in the order in which they are called. A phone may say what it is: mobile:000-0101.\n" +
			"birth_date is 1952-03-17, lives_alone yes or no, emergency_phone the number of the patient's own 120 centre. An empty cell leaves what is\n" +
			"known. Such a file is handed to the desk of this machine, which seals it before anything reaches the log.",
		Example: "  tenant,patient,group,device,token\n  demo,P-0113,copd,oximeter-7,\n  demo,P-0114,copd+heart-failure,scale-12,\n\n  tocsin import people.csv",
		RunE: func(c *cobra.Command, args []string) error {
			file, err := readFile(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			rows, said, err := directory.ReadImport(bytes.NewReader(file), vault.Columns{Now: nowUTC})
			if err != nil {
				return fmt.Errorf("%s was not imported:\n%w", args[0], err)
			}
			if len(said) > 0 {
				return importNamed(c.Context(), &r, file, rows, c.OutOrStdout(), c.ErrOrStderr())
			}
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				return importRows(ctx, conn, rows, c.OutOrStdout(), c.ErrOrStderr())
			})
		},
	}
	r.add(c)
	return c
}

// columnsHelp names the columns of the vault, a carer's for the first alone.
func columnsHelp() string {
	var b strings.Builder
	for _, name := range vault.ColumnNames() {
		if strings.HasPrefix(name, "carer1_") || !strings.HasPrefix(name, "carer") {
			b.WriteString(" " + name)
		}
	}
	return " " + b.String() + "\n"
}

// importRows prints a token for each device that got one, and ends with an error when a row was refused.
func importRows(ctx context.Context, conn *connection, rows []directory.Row, out, terminal io.Writer) error {
	outcomes, position, err := enrolRows(ctx, conn, rows, terminal)
	made, perr := printTokens(out, outcomes)
	if err != nil {
		if made > 0 {
			err = fmt.Errorf("%w; keep the tokens that were printed: a device that is in keeps the one it has, and imported again it gets no other", err)
		}
		return errors.Join(err, perr)
	}
	refused, unrecorded := 0, 0
	for _, o := range outcomes {
		if o.Refused != nil {
			refused++
			fmt.Fprintf(terminal, "line %d: %s\n", o.Line, o.Refused.En)
		}
		if o.Unrecorded != nil {
			unrecorded++
			fmt.Fprintf(terminal, "line %d: enrolled, and the consent was not recorded: %s\n", o.Line, o.Unrecorded.En)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	if err := errors.Join(perr, directory.WaitDoors(ctx, conn.log, position)); err != nil {
		return err
	}
	fmt.Fprintf(terminal, "%d rows imported, %d tokens made, %d refused\n", len(rows)-refused, made, refused)
	if unrecorded > 0 {
		return fmt.Errorf("%d consents were not recorded; the rows stand but for %d", unrecorded, refused)
	}
	if refused > 0 {
		return fmt.Errorf("%d of %d rows were refused; the others stand", refused, len(rows))
	}
	return nil
}

// enrolRows asks the registrar, for as long as it goes on answering.
func enrolRows(ctx context.Context, conn *connection, rows []directory.Row, terminal io.Writer) ([]directory.Outcome, int64, error) {
	bar := progress(terminal, len(rows), "import")
	defer func() { _ = bar.Finish() }()
	ctx, goesOn, done := whileItGoesOn(ctx, answerWithin)
	defer done()
	outcomes, position, err := conn.asker.Import(ctx, rows, by, func(n int) { goesOn(); _ = bar.Set(n) })
	if why := context.Cause(ctx); err != nil && why != nil && !errors.Is(err, why) {
		err = fmt.Errorf("%w: %w", why, err)
	}
	return outcomes, position, err
}

// whileItGoesOn ends a context when goesOn was not called for a while: what takes long is waited for, what stands still is not.
func whileItGoesOn(ctx context.Context, patience time.Duration) (_ context.Context, goesOn, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stands := time.AfterFunc(patience, func() { cancel(fmt.Errorf("no answer for %s", patience)) })
	return ctx, func() { stands.Reset(patience) }, func() { stands.Stop(); cancel(nil) }
}

// printTokens prints what was made, one line a device, and answers how many.
func printTokens(out io.Writer, outcomes []directory.Outcome) (made int, err error) {
	var b strings.Builder
	for _, o := range outcomes {
		if o.Made == "" {
			continue
		}
		if made++; made == 1 {
			b.WriteString("tenant,patient,device,token\n")
		}
		fmt.Fprintf(&b, "%s,%s,%s,%s\n", o.Tenant, o.Patient, o.Device, o.Made)
	}
	return made, printOnce(out, b.String())
}
