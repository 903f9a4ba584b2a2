package event

import "time"

// Age answers the completed calendar years and months of somebody born on the day of born, on the local day of now. A
// birthday counts from its midnight in the zone of now; nobody is a year older by 365.25 days. Who was born on the 29th of
// February or the 31st completes the year or month on the day after the last in years and months without such a day.
// Before birth both are zero.
func Age(born, now time.Time) (years, months int) {
	y, m, d := now.Date()
	by, bm, bd := born.Date()
	months = (y-by)*12 + int(m-bm)
	if d < bd {
		months--
	}
	months = max(0, months)
	return months / 12, months
}

// SetAge writes the age at now into a plan. In a plan 0 means not known, so a child in its first month of life is entered
// as one month old: no rule tells the two apart. A plan holds no birth date and its age stands still, so the plan of a child
// is written anew when it grows into another chart.
func (p *Plan) SetAge(born, now time.Time) {
	p.AgeYears, p.AgeMonths = Age(born, now)
	p.AgeMonths = max(1, p.AgeMonths)
}
