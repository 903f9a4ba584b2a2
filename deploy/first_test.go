package deploy

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"tocsin/streams/event"
)

// Parts that start on a log which runs elsewhere read who has an account before they make the first one: the password
// that somebody has chosen is not taken away by a restart.
func TestRestartOfPartsKeepsTheChosenPassword(t *testing.T) {
	cfg := quietConfig(t.TempDir())
	cfg.History.Off, cfg.Roles = true, []string{roleLog}
	log := startApp(t, cfg, io.Discard)
	cfg.Roles, cfg.Log.Listen = []string{roleMonitor, roleDesk}, log.run.Kafka

	var first bytes.Buffer
	a := startApp(t, cfg, &first)
	if !strings.Contains(first.String(), "one-time password ") {
		t.Fatalf("nobody can sign in: %s", first.String())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := a.asker.Ask(ctx, &event.AccountRequested{Account: firstAccount, Role: "lead", Password: "chosen", By: firstAccount}); err != nil {
		t.Fatal(err)
	}
	if err := a.Stop(); err != nil {
		t.Fatal(err)
	}

	var second bytes.Buffer
	a = startApp(t, cfg, &second)
	if account, _ := a.view.Account(firstAccount); account.OneTime || strings.Contains(second.String(), ", one-time password ") {
		t.Errorf("the account is %+v, and it says %s", account, second.String())
	}
}

func startApp(t *testing.T, cfg Config, out io.Writer) *App {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	a, err := New(ctx, cfg, out, quietLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Stop() }) // a second time it has nothing to stop
	return a
}
