package deploy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"tocsin/streams"
)

// childAgain is how long after its end a child is started again.
const childAgain = time.Second

// keeps lets this program run with args as our child, and starts it again when it ends. It is a second look and nothing waits
// for it, so its end is told and ends nothing else. args may take its time, and is asked again after an error.
func (a *App) keeps(name string, args func(context.Context) ([]string, error)) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	w := work(func(ctx context.Context) error {
		for {
			with, err := args(ctx)
			if err == nil {
				err = a.child(ctx, name, exe, with)
			}
			select {
			case <-ctx.Done(): // Ctrl-C reaches it by itself, and perhaps before us
				return ctx.Err()
			case <-time.After(childAgain):
				a.log.Error("a child ended and is started again", streams.KeyPart, name, streams.KeyErr, err)
			}
		}
	}, func(error) {})
	a.onStop(name, w.stop)
	return nil
}

// child runs it until it ends, or ctx does.
func (a *App) child(ctx context.Context, name, exe string, args []string) error {
	cmd := exec.CommandContext(ctx, exe, args...)
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
	a.repeat(name, said)
	return cmd.Wait()
}

// repeat says what a child says, until it has ended. A finding is for a person to act on.
func (a *App) repeat(name string, said io.Reader) {
	for lines := bufio.NewScanner(said); lines.Scan(); {
		a.log.Error("a child says", streams.KeyPart, name, "line", lines.Text())
	}
}

// followStdin ends this process when stdin does: whoever started it is gone, and it has nothing to put in order.
func followStdin(in io.Reader) {
	_, _ = io.Copy(io.Discard, in) // that it ends is all that is of interest
	os.Exit(exitDone)
}
