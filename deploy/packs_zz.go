package deploy

import (
	"io"

	"github.com/spf13/cobra"

	"tocsin/alerts"
	"tocsin/care"
	"tocsin/streams"
	"tocsin/streams/event"
)

type libraryPack struct {
	id      string
	version int
	text    string
}

func libraryPacks() ([]libraryPack, error)  { return nil, nil }
func checkPack(string) (string, int, error) { return "", 0, nil }
func checkLibrary(io.Writer) error          { return nil }
func packCommand() *cobra.Command           { return &cobra.Command{Use: "pack"} }

type noRules struct{}

func (noRules) Common(f struct{}, _ event.Envelope, _ event.Time) (struct{}, error) { return f, nil }
func (noRules) Apply(_ struct{}, s struct{}, _ event.Envelope, _ event.Time) (struct{}, error) {
	return s, nil
}
func (noRules) Decide(struct{}, struct{}, event.Envelope, event.Time) ([]event.Event, error) {
	return nil, nil
}
func (noRules) Due(struct{}, struct{}, event.Time) []event.Event { return nil }
func (noRules) NextDue(struct{}, struct{}) event.Time            { return event.Never }

type (
	patientState = streams.Three[struct{}, alerts.State, care.State]
	patientFacts = streams.Three[struct{}, alerts.Facts, care.Facts]
)

func patientParts() streams.Parts[patientState, patientFacts] {
	return streams.Join([3]string{"rules", "alerts", "care"}, streams.Machine[struct{}, struct{}](noRules{}), streams.Machine[alerts.State, alerts.Facts](alerts.Core{}), streams.Machine[care.State, care.Facts](care.Core{}))
}
