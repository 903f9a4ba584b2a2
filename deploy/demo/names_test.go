package demo

import (
	"strings"
	"testing"
	"time"
)

// Nobody of the ward could be anybody: each is named a demonstration, no number begins with what somebody has, and the age is that of
// the care plan.
func TestALR20_TheWardsPeopleAreObviouslyMadeUp(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	alone, carers, names := 0, 0, map[string]bool{}
	for _, p := range NewWard().Patients {
		who := p.Person(now)
		if faults := who.Check(now); len(faults) > 0 {
			t.Errorf("%s: %v", p.ID, faults)
		}
		numbers := []string{who.CommunityPhone, who.EmergencyPhone}
		for _, ph := range who.Phones {
			numbers = append(numbers, ph.Number)
		}
		for _, c := range who.Carers {
			carers++
			numbers = append(numbers, c.Phones[0].Number)
			if !strings.HasPrefix(c.Name, "Demo ") {
				t.Errorf("%s: a carer who could be somebody", p.ID)
			}
		}
		for _, n := range numbers {
			if !strings.HasPrefix(n, "000-") {
				t.Errorf("%s: a number that could be somebody's", p.ID)
			}
		}
		if years, ok := who.AgeYears(now); !ok || years != p.Plan.AgeYears {
			t.Errorf("%s is %d by the date of birth and %d by the plan", p.ID, years, p.Plan.AgeYears)
		}
		if *who.LivesAlone {
			alone++
		}
		if !strings.HasPrefix(who.Name, "Demo Patient ") || names[who.Name] {
			t.Errorf("%s: a name that could be somebody's, or twice", p.ID)
		}
		names[who.Name] = true
	}
	if alone == 0 || alone == 40 || carers == 0 {
		t.Errorf("%d live alone, %d carers", alone, carers)
	}
}
