package deploy

import (
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"
)

// profileFlag adds --cpuprofile to a command: where the time of the whole process goes, for `go tool pprof`. Hidden, since it
// is for developers and costs a little.
func profileFlag(c *cobra.Command) {
	c.Flags().String("cpuprofile", "", "write a CPU profile to `FILE`")
	_ = c.Flags().MarkHidden("cpuprofile") // fails only for a flag that is not there
}

// profiled begins the profile that --cpuprofile asked for; what it answers ends it.
func profiled(c *cobra.Command) (stop func() error, err error) {
	name, err := c.Flags().GetString("cpuprofile")
	if err != nil || name == "" {
		return func() error { return nil }, err
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, fmt.Errorf("--cpuprofile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		_ = f.Close() // nothing was written
		return nil, fmt.Errorf("--cpuprofile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
