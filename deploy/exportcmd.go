package deploy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/desk"
	"tocsin/desk/own"
	"tocsin/streams"
)

// mostCopy is the largest copy that is taken from a desk: years of readings every minute.
const mostCopy = 4 << 30

func exportOwnCommand() *cobra.Command {
	var r reach
	var out, reason, tokenFile string
	c := &cobra.Command{
		Use: "export-own TENANT/PATIENT --out FILE --reason asked_by_patient", Short: "Everything that is kept of a patient, for that patient", Args: cobra.ExactArgs(1),
		Long: "Everything that is kept of a patient, for that patient (PIPL article 45): one zip with a page to read, the whole as JSON and a FHIR Bundle:\n" +
			"readings, warnings, notes, consents, who looked at the chart, what went to machines of others, and who the patient is, as far as the\n" +
			"vault opens it. What is somebody else's is left out and counted. The desk of this machine makes it, since it has the keys, and notes in\n" +
			"the audit log that it was made before it makes it. --token-file is the bearer token of a lead or of security; without it, it is the local\n" +
			"administrator's. FILE must not be there yet; nobody but you can read it. It ends with 1 when something is missing, and FILE says what.",
		RunE: func(c *cobra.Command, args []string) error {
			tenant, patient := streams.SplitPatientKey(args[0])
			if tenant == "" || patient == "" || out == "" || reason == "" {
				return usage("want TENANT/PATIENT, --out and --reason; the reasons are %s", strings.Join(own.Reasons, ", "))
			}
			b, err := exported(c.Context(), &r, tokenFile, tenant, patient, reason)
			if err != nil {
				return err
			}
			if err := writeNew(out, b); err != nil {
				return err
			}
			return tellCopy(c.OutOrStdout(), out, b)
		},
	}
	c.Flags().StringVar(&out, "out", "", "`FILE` of the zip")
	c.Flags().StringVar(&reason, "reason", "", "`WHY`: "+strings.Join(own.Reasons, ", "))
	c.Flags().StringVar(&tokenFile, "token-file", "", "`FILE` with the bearer token of a lead or of security")
	r.add(c)
	return c
}

// exported asks the desk of this machine for the zip.
func exported(ctx context.Context, r *reach, tokenFile, tenant, patient, reason string) ([]byte, error) {
	run, err := r.running()
	if err != nil {
		return nil, err
	}
	token := run.Token
	if tokenFile != "" {
		b, err := os.ReadFile(tokenFile)
		if err != nil {
			return nil, err
		}
		token = strings.TrimSpace(string(b))
	}
	if run.HTTP == "" || token == "" {
		return nil, errors.New("the copy is made by a desk, which has the keys: none is known for --data; run this where the desk runs, or ask POST /v1/patients/TENANT/PATIENT/export with the token of a lead")
	}
	asked, err := json.Marshal(desk.ExportBody{Reason: reason})
	if err != nil {
		return nil, err
	}
	path := "/v1/patients/" + url.PathEscape(tenant) + "/" + url.PathEscape(patient) + "/export"
	resp, err := run.post(ctx, path, token, "application/json", bytes.NewReader(asked))
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(io.LimitReader(resp.Body, mostCopy))
}

// writeNew writes a file that was not there, for its owner alone.
func writeNew(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// tellCopy says what is in a copy.
func tellCopy(out io.Writer, name string, b []byte) error {
	c, err := readCopy(b)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Fprintf(out, "%s: %d readings, %d answers, %d warnings, %d notes, %d consents and withdrawals, %d looks at the chart, %d messages to machines of others; %d records in all\n",
		name, len(c.Readings), len(c.Answers), len(c.Warnings), len(c.Notes), len(c.Consents), len(c.Reads), len(c.Shared), len(c.Lines))
	fmt.Fprintf(out, "left out, being somebody else's: %d readings, %d uploads, %d people near the patient\n", c.LeftOut.Disowned, c.LeftOut.Mismatched, c.LeftOut.Carers)
	if !c.Whole() {
		return fmt.Errorf("%s is not whole: its first page says what is missing", name)
	}
	return nil
}

// readCopy reads the data of a zip.
func readCopy(b []byte) (*own.Copy, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	f, err := z.Open(own.FileData)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	c := new(own.Copy)
	return c, json.NewDecoder(f).Decode(c)
}
