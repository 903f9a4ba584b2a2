package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"tocsin/streams"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

func clinicCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{Use: "clinic", Short: "Community clinics: their names, and which patients belong to which",
		Long: "Community clinics. A patient belongs to one at most; the desk's queue and boards can be narrowed to one, and an account that is scoped to\n" +
			"clinics (tocsin account set NAME --role clinic --clinic TENANT/CLINIC) sees their patients and nobody else. Many patients at once come by\n" +
			"the column clinic of tocsin import.",
		Example: "  tocsin clinic set demo east --zh 东街社区卫生服务中心 --en \"East Street Clinic\"\n  tocsin clinic assign demo/P-0113 east\n  tocsin clinic list"}
	c.AddCommand(clinicSet(&r), clinicAssign(&r), clinicList(&r))
	r.add(c)
	return c
}

func clinicSet(r *reach) *cobra.Command {
	var zh, en string
	var closed bool
	c := &cobra.Command{
		Use: "set TENANT CLINIC", Short: "Name a clinic, close it (--closed) or open it again (--closed=false)", Args: cobra.ExactArgs(2),
		Long: "Name a clinic, close it or open it again. What is not named stays as it is. A closed clinic takes no further patients; those whom it has\n" +
			"stay, and those who are there for it go on seeing them, until they are assigned to another.",
		RunE: func(c *cobra.Command, args []string) error {
			return withConnection(c, r, func(ctx context.Context, conn *connection) error {
				was, _ := conn.view.Clinic(args[0], args[1])
				ask := &event.ClinicRequested{Tenant: args[0], Clinic: args[1], Zh: was.Zh, En: was.En, Closed: was.Closed, By: by}
				named := c.Flags().Changed
				if named("zh") {
					ask.Zh = zh
				}
				if named("en") {
					ask.En = en
				}
				if named("closed") {
					ask.Closed = closed
				}
				if err := conn.ask(ctx, ask); err != nil {
					return err
				}
				if n := clinicCounts(conn.view)[args[0]+"/"+args[1]]; ask.Closed && n > 0 {
					fmt.Fprintf(c.ErrOrStderr(), "%d patients still belong to it: assign them to another\n", n)
				}
				return nil
			})
		},
	}
	c.Flags().StringVar(&zh, "zh", "", "its name in Chinese")
	c.Flags().StringVar(&en, "en", "", "its name in English")
	c.Flags().BoolVar(&closed, "closed", false, "it takes no further patients")
	return c
}

func clinicAssign(r *reach) *cobra.Command {
	var none bool
	c := &cobra.Command{
		Use: "assign TENANT/PATIENT [CLINIC]", Short: "Say to which clinic a patient belongs, or --none", Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			tenant, patient, ok := strings.Cut(args[0], "/")
			if !ok || none == (len(args) == 2) {
				return usage("want TENANT/PATIENT and a CLINIC, or --none")
			}
			ask := &event.PatientClinicRequested{Tenant: tenant, Patient: patient, By: by}
			if !none {
				ask.Clinic = args[1]
			}
			return withConnection(c, r, func(ctx context.Context, conn *connection) error { return conn.ask(ctx, ask) })
		},
	}
	c.Flags().BoolVar(&none, "none", false, "to none")
	return c
}

func clinicList(r *reach) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "Every clinic with how many patients belong to it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withConnection(c, r, func(_ context.Context, conn *connection) error { return printClinics(c.OutOrStdout(), conn.view) })
		},
	}
}

// clinicCounts is how many patients belong to each clinic, by {tenant}/{clinic}; {tenant}/ counts those who belong to none.
func clinicCounts(v *directory.View) map[string]int {
	n := map[string]int{}
	v.EachPatient(func(tenant, _ string, p directory.Patient) bool {
		if tenant != streams.SystemTenant && p.Group != "" {
			n[tenant+"/"+p.Clinic]++
		}
		return true
	})
	return n
}

func printClinics(out io.Writer, v *directory.View) error {
	n, all := clinicCounts(v), v.Clinics()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CLINIC\tPATIENTS\tSTATE\t中文\tENGLISH")
	var none []string
	for i, c := range all {
		state := "open"
		if c.Closed {
			state = "closed"
		}
		fmt.Fprintf(w, "%s/%s\t%d\t%s\t%s\t%s\n", c.Tenant, c.Clinic, n[c.Tenant+"/"+c.Clinic], state, c.Zh, c.En)
		if left := n[c.Tenant+"/"]; left > 0 && (i == 0 || all[i-1].Tenant != c.Tenant) {
			none = append(none, fmt.Sprintf("%d patients of %s belong to none", left, c.Tenant))
		}
	}
	err := w.Flush()
	for _, line := range none {
		_, e := fmt.Fprintln(out, line)
		err = errors.Join(err, e)
	}
	return err
}
