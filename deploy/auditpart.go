package deploy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"tocsin/streams"
)

// auditorAgain is how long after its end the auditor is started again.
const auditorAgain = time.Second

// startAuditor lets `tocsin audit watch` run as our child when everything runs in this tree: in another process, it goes on
// when what it watches hangs. It is a second look and nothing waits for it, so its end is told and ends nothing else.
func (a *App) startAuditor(context.Context) error {
	if !a.cfg.whole {
		return nil
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	w := work(func(ctx context.Context) error {
		for {
			err := a.auditor(ctx, exe)
			select {
			case <-ctx.Done(): // Ctrl-C reaches it by itself, and perhaps before us
				return ctx.Err()
			case <-time.After(auditorAgain):
				a.log.Error("the auditor ended and is started again", streams.KeyErr, err)
			}
		}
	}, func(error) {})
	a.onStop("auditor", w.stop)
	return nil
}

// auditor runs it until it ends, or ctx does.
func (a *App) auditor(ctx context.Context, exe string) error {
	cmd := exec.CommandContext(ctx, exe, "audit", "watch", "--kafka", strings.Join(a.brokers, ","), "--follow-stdin")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Second
	alive, err := cmd.StdinPipe() // its end tells the child that we are gone
	if err != nil {
		return err
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		return errors.Join(err, alive.Close())
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	a.repeat(said)
	return cmd.Wait()
}

// repeat says what the auditor says, until it has ended. A finding is for a person to act on.
func (a *App) repeat(said io.Reader) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		a.log.Error("the auditor says", "line", lines.Text())
	}
}
