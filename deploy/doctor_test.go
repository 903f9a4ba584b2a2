package deploy

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tocsin/streams/witness"
)

// Whoever asks the doctor at night wants the reason, not the address of another page that knows it.
func TestDoctorSaysWhyNothingIsReady(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"desk":        {`{"ready":false,"checks":[{"name":"desk"},{"name":"parts","why":"decisions/2 has no owner here yet"}]}`, "parts: decisions/2 has no owner here yet"},
		"other parts": {"the log does not answer: connection refused\n", "the log does not answer: connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			part := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, c.body, http.StatusServiceUnavailable)
			}))
			defer part.Close()
			f := deskFinding(t.Context(), Running{HTTP: strings.TrimPrefix(part.URL, "http://")})
			if f.Level != witness.Fault || !strings.HasSuffix(f.Found, c.want) || f.Do == "" {
				t.Errorf("the doctor finds %+v; it should say %q", f, c.want)
			}
		})
	}
}
