package deploy

import (
	"strings"
	"testing"
)

func TestSEC1_WhoMustHaveASecondFactorIsSaidByRole(t *testing.T) {
	for text, want := range map[string]string{
		"desk: {second_factor: [all], lock_after: 5m, wall_accounts: [wall-1]}": "",
		"desk: {second_factor: [nurse, administrator], lock_after: 0s}":         "",
		"desk: {second_factor: [nurse, king]}":                                  `desk.second_factor[1]: "king" is no role`,
		"desk: {second_factor: [all]}\nvault: {off: true}":                      "desk.second_factor: a second factor is kept in the vault",
		"desk: {lock_after: 10s}":                                               "desk.lock_after: 10s is too short",
	} {
		_, err := Load(writeFile(t, "tocsin.yaml", text))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if Default().Desk.SecondFactor != nil || !onLoopback(Default().HTTP.Listen) || onLoopback(":8080") || onLoopback("0.0.0.0:8080") {
		t.Error("the first start asks for more than a password, or takes every address for loopback")
	}
}
