package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"tocsin/desk"
	"tocsin/streams/directory"
	"tocsin/streams/event"
)

// by is who asked, for what the commands change: whoever can read run.json.
const by = "command line"

// progress is a bar on a terminal, and silent elsewhere.
func progress(w io.Writer, total int, what string) *progressbar.ProgressBar {
	f, ok := w.(*os.File)
	visible := false
	if ok {
		info, err := f.Stat()
		visible = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return progressbar.NewOptions(total, progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what), progressbar.OptionSetVisibility(visible),
		progressbar.OptionShowCount(), progressbar.OptionShowIts(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
}

// printOnce prints what is told this once. A full disk or a closed pipe would lose it, so that is an error.
func printOnce(w io.Writer, secret string) error {
	if _, err := io.WriteString(w, secret); err != nil {
		return fmt.Errorf("print what is shown only once: %w; it is lost: make another (for a device: revoke it, then import it again)", err)
	}
	return nil
}

func tokenCommand() *cobra.Command {
	var r reach
	var role, name string
	var scope scopeFlags
	c := &cobra.Command{Use: "token", Short: "Bearer tokens for programs"}
	create := &cobra.Command{
		Use: "create --role ROLE", Short: "Make a bearer token and print it as the last line", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if role == "" {
				return usage("token create needs --role; the roles are %s", strings.Join(directory.Roles, ", "))
			}
			if name == "" {
				name = role + "-" + directory.NewID()[:8]
			}
			token := directory.NewToken()
			err := withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				sees, err := scope.of(conn)
				if err != nil {
					return err
				}
				return conn.ask(ctx, &event.TokenRequested{Token: name, SHA256: directory.Sum(token), Role: role, By: by, Scope: sees})
			})
			if err == nil {
				err = printOnce(c.OutOrStdout(), token+"\n")
			}
			return err
		},
	}
	create.Flags().StringVar(&role, "role", "", "`ROLE` of the token: "+strings.Join(directory.Roles, ", "))
	create.Flags().StringVar(&name, "name", "", "`NAME` under which it is known; the same name again replaces the token")
	scope.add(create)
	c.AddCommand(create)
	r.add(c)
	return c
}

func accountCommand() *cobra.Command {
	var r reach
	var role string
	var scope scopeFlags
	var oidc, relink bool
	c := &cobra.Command{Use: "account", Short: "Accounts of people on the desk"}
	set := &cobra.Command{
		Use: "set NAME --role ROLE", Short: "Make an account, or give it a new one-time password, which is the last line", Args: cobra.ExactArgs(1),
		Long: "Make an account, or give it a new one-time password, which is the last line. With --oidc it signs in at the identity provider\n" +
			"and has no password: the first who signs in there under its name is linked to it for good, until --relink lets go of them.\n\n" +
			"--tenant and --group say whose patients it sees. Without either an account that is there keeps what it has, and a new one sees\n" +
			"every tenant. A lead of a group sees its whole tenant; administrators, security and auditors see no patient.",
		RunE: func(c *cobra.Command, args []string) error {
			if role == "" {
				return usage("account set needs --role; the roles are %s", strings.Join(directory.Roles, ", "))
			}
			if relink && !oidc {
				return usage("--relink goes with --oidc")
			}
			password, request, err := oneTime(args[0], role)
			if oidc {
				password, request, err = "", &event.AccountRequested{Account: args[0], Role: role, OIDC: true, Relink: relink, By: by}, nil
			}
			if err != nil {
				return err
			}
			err = withConnection(c, &r, func(ctx context.Context, conn *connection) (err error) {
				if request.Scope, err = scope.of(conn); err != nil {
					return err
				}
				return conn.ask(ctx, request)
			})
			if err == nil && !oidc {
				err = printOnce(c.OutOrStdout(), password+"\n")
			}
			return err
		},
	}
	set.Flags().StringVar(&role, "role", "", "`ROLE` of the account: "+strings.Join(directory.Roles, ", "))
	set.Flags().BoolVar(&oidc, "oidc", false, "it signs in at the identity provider, and has no password")
	set.Flags().BoolVar(&relink, "relink", false, "with --oidc: let go of the person whom it is linked to")
	scope.add(set)
	c.AddCommand(set, resetFactorCommand(&r))
	r.add(c)
	return c
}

func resetFactorCommand(r *reach) *cobra.Command {
	return &cobra.Command{
		Use: "reset-factor NAME", Short: "Take away the second factor of an account whose telephone and recovery codes are lost", Args: cobra.ExactArgs(1),
		Long: "Take away the second factor of an account whose telephone and recovery codes are lost. Its sessions end. The account signs in with its\n" +
			"password alone, is told of this, and where its role must have a second factor sets up another before anything else. Make sure that it\n" +
			"is really its owner who asks. An administrator does the same at the desk (DELETE /v1/admin/accounts/NAME/factor).",
		RunE: func(c *cobra.Command, args []string) error {
			return withConnection(c, r, func(ctx context.Context, conn *connection) error {
				had := conn.view.Factor(args[0]).On()
				if err := conn.ask(ctx, &event.ResetRequested{Account: args[0], By: by}); err != nil {
					return err
				}
				what := "has no second factor any more"
				if !had {
					what = "had no second factor"
				}
				fmt.Fprintf(c.OutOrStdout(), "%s %s\n", args[0], what)
				return nil
			})
		},
	}
}

// scopeFlags say whose patients an account or a token sees.
type scopeFlags struct{ tenants, groups, clinics []string }

func (f *scopeFlags) add(c *cobra.Command) {
	c.Flags().StringSliceVar(&f.tenants, "tenant", nil, "sees all patients of these `TENANTS`; * is every tenant")
	c.Flags().StringSliceVar(&f.groups, "group", nil, "sees the patients of these groups, as `TENANT/GROUP`")
	c.Flags().StringSliceVar(&f.clinics, "clinic", nil, "sees the patients of these community clinics, as `TENANT/CLINIC`")
}

// of answers the scope, nil for none. A group or clinic that is not there is refused: a typing error would hide patients from somebody.
func (f *scopeFlags) of(conn *connection) (*event.Scope, error) {
	if len(f.tenants)+len(f.groups)+len(f.clinics) == 0 {
		return nil, nil
	}
	for _, g := range f.groups {
		tenant, name, _ := strings.Cut(g, "/")
		if _, known := conn.view.Group(tenant, name); !known {
			return nil, usage("there is no group %q; want TENANT/GROUP of a group that has patients", g)
		}
	}
	for _, c := range f.clinics {
		tenant, id, _ := strings.Cut(c, "/")
		if _, known := conn.view.Clinic(tenant, id); !known {
			return nil, usage("there is no community clinic %q; want TENANT/CLINIC, as tocsin clinic list has them", c)
		}
	}
	return &event.Scope{Tenants: f.tenants, Groups: f.groups, Clinics: f.clinics}, nil
}

// oneTime makes a password that has to be changed when it is first used.
func oneTime(account, role string) (string, *event.AccountRequested, error) {
	password := spoken(directory.NewToken())
	hash, err := desk.HashPassword(password)
	if err != nil {
		return "", nil, fmt.Errorf("hash a password: %w", err)
	}
	return password, &event.AccountRequested{Account: account, Role: role, Password: hash, OneTime: true, By: by}, nil
}

// spoken cuts a token into four groups that can be read aloud: 64 bits, enough for a password that is changed at once.
func spoken(token string) string {
	return strings.Join([]string{token[0:4], token[4:8], token[8:12], token[12:16]}, "-")
}

func revokeCommand() *cobra.Command {
	var r reach
	c := &cobra.Command{
		Use: "revoke DEVICE", Short: "Take a device's access away", Args: cobra.ExactArgs(1),
		Long: "Take a device's access away. Its session ends within 5 s, and it can be bound anew, to anyone.",
		RunE: func(c *cobra.Command, args []string) error {
			return withConnection(c, &r, func(ctx context.Context, conn *connection) error {
				return conn.ask(ctx, &event.RevokeRequested{Device: args[0], By: by})
			})
		},
	}
	r.add(c)
	return c
}

// readYAML reads a file (or stdin for -) that may be YAML or JSON into a value which knows JSON alone. Unknown keys are refused.
func readYAML(file string, stdin io.Reader, into any) error {
	text, err := readFile(file, stdin)
	if err != nil {
		return err
	}
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	d := json.NewDecoder(strings.NewReader(string(asJSON)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one value", file)
	}
	return nil
}

func readFile(file string, stdin io.Reader) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(file)
}
