package ingest

import (
	"strings"
	"testing"
)

func TestTopicIsReadAsWritten(t *testing.T) {
	got, err := ParseTopic("v1/hospital-1/74E8FFFEFF051C00/obs")
	if err != nil || got != (Topic{"hospital-1", "74E8FFFEFF051C00", Observations}) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, s := range []string{
		"", "v1", "v1/t/d", "v1/t/d/", "v1/t/d/obs/", "v1/t/d/obs/x", "v1//d/obs", "v1/t//obs", "v2/t/d/obs", "/v1/t/d/obs", "v1/t/d/OBS", "v1/+/d/obs", "v1/t/#/obs",
		"v1/$SYS/d/obs", "v1/t/d\x00/obs", "v1/t/\xff/obs", "v1/t/" + strings.Repeat("d", 129) + "/obs", "$share/g/v1/t/d/obs",
	} {
		if got, err := ParseTopic(s); err == nil {
			t.Errorf("%q was read as %+v", s, got)
		}
	}
}

func FuzzTopic(f *testing.F) {
	for _, s := range []string{"v1/t/d/obs", "v1/t/d/cmd", "v1/医院/é/obs", "v1/t/d/obs/", "$SYS/x", "v1/+/+/obs", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTopic(s)
		if err == nil && got.String() != s {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
