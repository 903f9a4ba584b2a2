package deploy

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func runAudit(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code = Main(append([]string{"audit"}, args...), &o, &e)
	return code, o.String(), e.String()
}

// The whole way: a desk that runs, a chart that is read, the log read by the second client, its end cut off as far as the heads
// file can tell, and a key that is another's.
func TestSEC2_AuditVerifyAndWhoReadARunningLog(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.enrol("t1,P-1,copd,ox-1,secret-1\n")
	h.get("/v1/patients/t1/P-1/plan", nil)
	h.lead = h.token("administrator")
	if status := h.call("GET", "/v1/patients/t1/P-1/plan", "", "", nil); status != http.StatusForbidden {
		t.Errorf("an administrator reads a plan: %d", status)
	}
	data := h.app.cfg.Data
	code, out, errs := runAudit("verify", "--data", data)
	if code != exitDone || !strings.Contains(out, "the audit log is whole") || !strings.Contains(out, "from "+filepath.Join(data, auditKeyFile)) {
		t.Errorf("verify: %d\n%s%s", code, out, errs)
	}
	if _, out, _ = runAudit("who", "t1/P-1", "--data", data); !strings.Contains(out, "plan.read") || !strings.Contains(out, "getPlan (refused)") {
		t.Errorf("who looked at P-1:\n%s", out)
	}

	heads, err := os.ReadFile(filepath.Join(data, auditHeadsFile))
	if err != nil {
		t.Fatal(err)
	}
	other := openHospital(t, quietConfig(t.TempDir()))
	foreign, err := os.ReadFile(filepath.Join(other.app.cfg.Data, auditHeadsFile))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "heads")
	if err := os.WriteFile(file, append(heads, foreign...), 0o600); err != nil {
		t.Fatal(err)
	}
	both := filepath.Join(data, auditKeyFile+".pub") + "," + filepath.Join(other.app.cfg.Data, auditKeyFile+".pub")
	if code, out, _ = runAudit("verify", "--data", data, "--heads", file, "--key", both); code != exitFault || !strings.Contains(out, "cut or removed") {
		t.Errorf("a chain that the log has lost: %d\n%s", code, out)
	}
	if code, out, _ = runAudit("verify", "--data", data, "--key", filepath.Join(other.app.cfg.Data, auditKeyFile+".pub")); code != exitFault || !strings.Contains(out, "offset 0") {
		t.Errorf("a key that is another's: %d\n%s", code, out)
	}
	if code, _, _ = runAudit("verify", "--data", data, "--key", "nothing"); code != exitUsage {
		t.Errorf("a key that is none: %d", code)
	}
}
