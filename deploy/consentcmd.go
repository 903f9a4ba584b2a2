package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

func consentCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "consent", Short: "What patients have agreed to: who is missing, a withdrawal, and forms that were signed before",
		Long: "What patients have agreed to (SEC-4). Consents come by the desk and with the import. Readings are never dropped for want of a record:\n" +
			"somebody without a consent to monitoring is watched and listed here; with others nothing is shared without a consent to sharing.\n\n" +
			"After an update from a version that kept no consents: what went on goes on for everybody who was enrolled then, under the id\n" +
			event.ConsentBeforeID + ", until a consent or a withdrawal is recorded. Forms that lie on paper are recorded by carry-over."}
	c.AddCommand(consentList(&r), consentCarryOver(&r), consentWithdraw(&r))
	r.add(c)
	return c
}

// standingRow is how one patient stands.
type standingRow struct {
	Tenant     string                `json:"tenant"`
	Patient    string                `json:"patient"`
	Monitoring event.ConsentStanding `json:"monitoring"`
	Sharing    event.ConsentStanding `json:"sharing"`
	Research   event.ConsentStanding `json:"research"`
}

func standings(v *directory.View, now event.Time) (all []standingRow) {
	v.EachPatient(func(tenant, patient string, p directory.Patient) bool {
		if tenant != streams.SystemTenant {
			stands := func(purpose string) event.ConsentStanding { return p.Consents.For(purpose, now) }
			all = append(all, standingRow{tenant, patient, stands(event.ForMonitoring), stands(event.ForSharing), stands(event.ForResearch)})
		}
		return true
	})
	return all
}

func consentList(r *reach) *cobra.Command {
	var asJSON, everybody bool
	c := &cobra.Command{
		Use: "list", Short: "Who is watched without a consent that stands, and how many stand how", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withConnection(c, r, func(_ context.Context, conn *connection) error {
				return printStandings(c.OutOrStdout(), standings(conn.view, event.TimeOf(time.Now())), asJSON, everybody)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one object a line")
	c.Flags().BoolVar(&everybody, "all", false, "also those whose consent to monitoring stands")
	return c
}

func printStandings(out io.Writer, all []standingRow, asJSON, everybody bool) error {
	shown := slices.DeleteFunc(slices.Clone(all), func(s standingRow) bool { return !everybody && s.Monitoring.State == event.ConsentStands })
	if asJSON {
		for _, s := range shown {
			if err := json.NewEncoder(out).Encode(s); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "TENANT\tPATIENT\tMONITORING\tSHARING\tRESEARCH")
	for _, s := range shown {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", s.Tenant, s.Patient, stood(s.Monitoring), stood(s.Sharing), stood(s.Research))
	}
	counts := map[string]int{}
	for _, s := range all {
		counts[s.Monitoring.State]++
	}
	fmt.Fprintf(t, "monitoring: %d given, %d of before consents were kept, %d none, %d expired, %d withdrawn\n", counts[event.ConsentStands], counts[event.ConsentBefore],
		counts[event.ConsentNone], counts[event.ConsentExpired], counts[event.ConsentWithdrew])
	return t.Flush()
}

func stood(s event.ConsentStanding) string {
	if s.Consent == "" || s.State == event.ConsentBefore {
		return s.State
	}
	return s.State + " (" + s.Consent + ")"
}

func consentCarryOver(r *reach) *cobra.Command {
	var tenant string
	f := event.Consent{How: "carried_over", GivenBy: "patient"}
	var given, until string
	c := &cobra.Command{
		Use: "carry-over --tenant TENANT --form FORM --given DAY --purposes monitoring,sharing", Short: "Record forms that were signed before Tocsin kept consents", Args: cobra.NoArgs,
		Long: "Record forms that were signed before Tocsin kept consents: one for each patient of a tenant of whom nothing is recorded, under the id\n" +
			"FORM-carried. Say only what the forms say: who runs this answers for it by name in the log. Whoever has a consent or a withdrawal on\n" +
			"record keeps it. Run again it changes nothing.",
		RunE: func(c *cobra.Command, _ []string) error {
			if tenant == "" || f.Form == "" || given == "" || len(f.Purposes) == 0 {
				return usage("--tenant, --form, --given and --purposes are needed")
			}
			var err error
			if f.GivenAt, err = directory.DayOrMoment(given, 0); err != nil {
				return usage("--given: %v", err)
			}
			if until != "" {
				end, err := directory.DayOrMoment(until, 24*time.Hour)
				if err != nil {
					return usage("--until: %v", err)
				}
				f.Until = &end
			}
			f.ID = f.Form + "-carried"
			return withConnection(c, r, func(ctx context.Context, conn *connection) error {
				return carryOver(ctx, conn, tenant, f, c.OutOrStdout())
			})
		},
	}
	c.Flags().StringVar(&tenant, "tenant", "", "`TENANT` whose patients signed")
	c.Flags().StringVar(&f.Form, "form", "", "`FORM` that was signed")
	c.Flags().StringVar(&f.FormVersion, "form-version", "1", "`VERSION` of its text")
	c.Flags().StringVar(&given, "given", "", "`DAY` by which all had signed, such as 2026-03-17")
	c.Flags().StringVar(&until, "until", "", "last `DAY` on which it holds; without, until it is withdrawn")
	c.Flags().StringSliceVar(&f.Purposes, "purposes", nil, "`PURPOSES` of the form: "+strings.Join(event.Purposes, ", "))
	return c
}

func carryOver(ctx context.Context, conn *connection, tenant string, form event.Consent, out io.Writer) error {
	var requests []*event.ConsentRequested
	conn.view.EachPatient(func(of, patient string, p directory.Patient) bool {
		if of == tenant && len(p.Consents.Lines) == 0 {
			requests = append(requests, &event.ConsentRequested{Tenant: of, Patient: patient, Consent: form, By: by})
		}
		return true
	})
	ctx, stop := context.WithTimeout(ctx, time.Duration(len(requests))*10*time.Millisecond+answerWithin)
	defer stop()
	refused, err := conn.asker.Consents(ctx, requests)
	if err != nil {
		return err
	}
	var faults []error
	for i, no := range refused {
		if no != nil {
			faults = append(faults, fmt.Errorf("%s: %s", requests[i].Patient, no.En))
		}
	}
	fmt.Fprintf(out, "%d of %d patients of whom nothing was recorded have the consent %s now\n", len(requests)-len(faults), len(requests), form.ID)
	return errors.Join(faults...)
}

func consentWithdraw(r *reach) *cobra.Command {
	w := event.WithdrawRequested{By: by, How: "paper"}
	c := &cobra.Command{
		Use: "withdraw TENANT/PATIENT --purposes sharing", Short: "Record that a patient agrees no more", Args: cobra.ExactArgs(1),
		Long: "Record that a patient agrees no more. What is shared stops within 5 s. To end the watching as well, end the care at the desk: with a\n" +
			"high warning open that takes a doctor; until then the patient is watched on, and listed as withdrawn.",
		RunE: func(c *cobra.Command, args []string) error {
			w.Tenant, w.Patient = streams.SplitPatientKey(args[0])
			if w.Tenant == "" || w.Patient == "" || len(w.Purposes) == 0 {
				return usage("want TENANT/PATIENT and --purposes; the purposes are %s", strings.Join(event.Purposes, ", "))
			}
			return withConnection(c, r, func(ctx context.Context, conn *connection) error { return conn.ask(ctx, &w) })
		},
	}
	c.Flags().StringSliceVar(&w.Purposes, "purposes", nil, "`PURPOSES`: "+strings.Join(event.Purposes, ", "))
	c.Flags().StringVar(&w.How, "how", w.How, "`HOW` it was said: "+strings.Join(event.ConsentWays, ", "))
	return c
}
