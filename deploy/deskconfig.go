package deploy

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"tocsin/desk"
)

// DeskConfig is how people sign in to the desk, and when it locks.
type DeskConfig struct {
	SecondFactor []string      `yaml:"second_factor"` // roles whose accounts must have one; all: every role
	LockAfter    time.Duration `yaml:"lock_after"`    // without a hand on it; 0: never
	WallAccounts []string      `yaml:"wall_accounts"` // of screens on a wall, which nobody touches
}

const everyRole = "all"

// faults answers what is wrong with it. Secrets of a second factor are kept in the vault alone.
func (d *DeskConfig) faults(noVault bool) (all []error) {
	known := append([]string{everyRole}, desk.Roles...)
	for i, r := range d.SecondFactor {
		if !slices.Contains(known, r) {
			all = append(all, fault(fmt.Sprintf("desk.second_factor[%d]", i), "%q is no role; use %s", r, strings.Join(known, ", ")))
		}
	}
	if len(d.SecondFactor) > 0 && noVault {
		all = append(all, fault("desk.second_factor", "a second factor is kept in the vault, and vault.off is set: nobody could set one up; remove one of the two"))
	}
	if d.LockAfter < 0 || d.LockAfter > 0 && d.LockAfter < time.Minute {
		all = append(all, fault("desk.lock_after", "%s is too short; try 10m, or 0 for never", d.LockAfter))
	}
	return all
}

// factorsPossible refuses to start a desk at which people must set up a second factor and cannot, and says when people from elsewhere
// need none.
func (a *App) factorsPossible() error {
	c := a.cfg.Desk
	if len(c.SecondFactor) > 0 && a.vault == nil {
		return errors.New("desk.second_factor: a second factor is kept in the vault, and there is no master key; make one with `tocsin vault init`, the same for every desk")
	}
	if len(c.SecondFactor) == 0 && !onLoopback(a.cfg.HTTP.Listen) {
		a.log.Warn("whoever has a password signs in from elsewhere: desk.second_factor names no role that must have a second factor; a hospital sets [all]", "listen", a.cfg.HTTP.Listen)
	}
	return nil
}

// onLoopback tells whether nobody from another machine reaches an address.
func onLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
