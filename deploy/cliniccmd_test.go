package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGRP9_ClinicsFromTheCommandLine(t *testing.T) {
	h := openHospital(t, quietConfig(t.TempDir()))
	h.tocsin("clinic", "set", "t1", "east", "--zh", "东街社区卫生服务中心", "--en", "East Street Clinic")
	h.tocsin("clinic", "set", "t1", "west", "--en", "West Bridge Clinic")
	h.refused("a clinic needs a name", "clinic", "set", "t1", "north")
	file := filepath.Join(t.TempDir(), "people.csv")
	rows := "tenant,patient,group,device,token,clinic\nt1,P-1,copd,d1,secret,east\nt1,P-2,copd,,,\nt1,P-3,copd,,,north\n"
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	h.refused("line 4: tenant t1 has no community clinic north; set it first", "import", file)
	h.tocsin("clinic", "assign", "t1/P-2", "west")
	h.refused("there is no patient P-9", "clinic", "assign", "t1/P-9", "west")
	h.refused("want TENANT/PATIENT and a CLINIC, or --none", "clinic", "assign", "t1/P-2")
	h.tocsin("clinic", "set", "t1", "west", "--closed")
	h.refused("is closed", "clinic", "assign", "t1/P-1", "west")
	h.tocsin("clinic", "assign", "t1/P-1", "--none")
	got := h.tocsin("clinic", "list")
	for _, want := range []string{"t1/east 0 open 东街社区卫生服务中心 East Street Clinic", "t1/west 1 closed West Bridge Clinic", "1 patients of t1 belong to none"} {
		if !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	h.refused("there is no community clinic", "account", "set", "x", "--role", "clinic", "--clinic", "t1/north")
	h.refused("name its community clinics", "account", "set", "x", "--role", "clinic")
	h.tocsin("account", "set", "x", "--role", "clinic", "--clinic", "t1/east")
	h.settled()
	if a, ok := h.app.view.Account("x"); !ok || a.Scope == nil || len(a.Scope.Clinics) != 1 {
		t.Errorf("%+v", a)
	}
}
