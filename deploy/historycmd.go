package deploy

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tocsin/streams/history"
)

func historyCommand() *cobra.Command {
	var r reach
	var dsnFile string
	c := &cobra.Command{Use: "history", Short: "The long memory in ClickHouse: verify, rebuild"}
	verify := &cobra.Command{
		Use: "verify", Short: "Compare history with the log, partition by partition", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return r.withHistory(c, dsnFile, func(ctx context.Context, conn *connection, h *history.History) error {
				checks, err := verifySettled(ctx, conn, h)
				wrong := 0
				for _, check := range checks {
					fmt.Fprintln(c.OutOrStdout(), check)
					if !check.Equal() {
						wrong++
					}
				}
				if err == nil && wrong > 0 {
					err = fmt.Errorf("history differs from the log in %d partitions; run `tocsin history rebuild`", wrong)
				}
				return err
			})
		},
	}
	var keepOld bool
	rebuild := &cobra.Command{
		Use: "rebuild", Short: "Fill new tables from the log, compare, swap; older rows are kept", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return r.withHistory(c, dsnFile, func(ctx context.Context, conn *connection, h *history.History) error {
				bar := progress(c.ErrOrStderr(), 1, "rebuild")
				err := h.Rebuild(ctx, conn.log, history.RebuildOptions{KeepOld: keepOld, Progress: func(done, total int64) {
					bar.ChangeMax64(max(total, 1))
					_ = bar.Set64(done)
				}})
				_ = bar.Finish()
				if err == nil {
					fmt.Fprintln(c.OutOrStdout(), "history is rebuilt and equals the log")
				}
				return err
			})
		},
	}
	rebuild.Flags().BoolVar(&keepOld, "keep-old", false, "leave the replaced tables, with the ending _rebuild")
	c.PersistentFlags().StringVar(&dsnFile, "dsn-file", "", "`FILE` with the DSN of ClickHouse, instead of what --data says")
	c.AddCommand(verify, rebuild)
	r.add(c)
	return c
}

func (r *reach) withHistory(cmd *cobra.Command, dsnFile string, fn func(context.Context, *connection, *history.History) error) error {
	h, err := r.openHistory(dsnFile)
	if err != nil {
		return err
	}
	err = withConnection(cmd, r, func(ctx context.Context, conn *connection) error { return fn(ctx, conn, h) })
	return errors.Join(err, h.Close())
}

// verifySettled compares history with the log, and looks again, by and by, at each partition that differs: a range that the
// sink is just inserting is announced in the log a moment before it stands in history, and of many partitions one is
// always at it.
func verifySettled(ctx context.Context, conn *connection, h *history.History) ([]history.Check, error) {
	checks, err := h.Verify(ctx, conn.log)
	for i := range checks {
		for try := 1; err == nil && try < verifyTries && !checks[i].Equal(); try++ {
			select {
			case <-ctx.Done():
				return checks, ctx.Err()
			case <-time.After(verifyPause):
			}
			checks[i], err = h.Again(ctx, conn.log, checks[i])
		}
	}
	return checks, err
}

const (
	verifyTries = 4
	verifyPause = 3 * time.Second
)
