//go:build goexperiment.jsonv2

package format

import (
	jsonv2 "encoding/json/v2"
	"testing"
)

func BenchmarkPeerJSONv2(b *testing.B) {
	for name, in := range map[string][]byte{"reading": []byte(reading197), "example": example(b)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var w wire
				if err := jsonv2.Unmarshal(in, &w); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
