package vault

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Person is who a patient is. Everything may be missing; what is there has passed Check.
type Person struct {
	Name           string  `json:"name,omitempty"`
	BirthDate      string  `json:"birth_date,omitempty"` // YYYY-MM-DD
	Sex            string  `json:"sex,omitempty"`        // female, male
	Phones         []Phone `json:"phones,omitempty"`     // in the order in which they are called
	Carers         []Carer `json:"carers,omitempty"`     // likewise
	Address        string  `json:"address,omitempty"`    // with floor, door code and whatever else an ambulance needs
	Dialect        string  `json:"dialect,omitempty"`    // in which the patient is understood
	LivesAlone     *bool   `json:"lives_alone,omitempty"`
	CommunityPhone string  `json:"community_phone,omitempty"` // of the community clinic
	EmergencyPhone string  `json:"emergency_phone,omitempty"` // of the 120 centre where the patient lives: 120 dialled at the desk answers in the desk's city
}

// Phone is a number with what it is: mobile, home, 手机 …
type Phone struct {
	Label  string `json:"label,omitempty"`
	Number string `json:"number"`
}

// Carer is somebody near the patient.
type Carer struct {
	Name     string  `json:"name"`
	Relation string  `json:"relation,omitempty"`
	Phones   []Phone `json:"phones,omitempty"`
	Language string  `json:"language,omitempty"` // of what they are told in danger: zh, en; empty: as the configuration says
}

// String says nothing, so that no print of a struct around it tells who somebody is.
func (Person) String() string { return "***" }

// GoString says nothing either.
func (Person) GoString() string { return "***" }

// LogValue says nothing in a log.
func (Person) LogValue() slog.Value { return slog.StringValue("***") }

// String says nothing.
func (Phone) String() string { return "***" }

// GoString says nothing either.
func (Phone) GoString() string { return "***" }

// String says nothing.
func (Carer) String() string { return "***" }

// GoString says nothing either.
func (Carer) GoString() string { return "***" }

// IsZero tells whether nothing is said.
func (p Person) IsZero() bool {
	return p.Name == "" && p.BirthDate == "" && p.Sex == "" && len(p.Phones) == 0 && len(p.Carers) == 0 && p.Address == "" && p.Dialect == "" &&
		p.LivesAlone == nil && p.CommunityPhone == "" && p.EmergencyPhone == ""
}

// AgeYears answers the completed years at a moment; ok is false without a birth date.
func (p Person) AgeYears(now time.Time) (years int, ok bool) {
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		return 0, false
	}
	years = now.Year() - born.Year()
	if now.Month() < born.Month() || now.Month() == born.Month() && now.Day() < born.Day() {
		years--
	}
	return max(years, 0), true
}

// Bounds of what one person can hold.
const (
	MaxPhones  = 5
	MaxCarers  = 5
	maxName    = 80 // runes, also of labels and relations
	maxAddress = 300
)

// Fault is something that is wrong with a field. It never repeats what stands there.
type Fault struct{ Field, Zh, En string }

func (f Fault) Error() string { return f.Field + ": " + f.En }

// Check tells everything that is wrong with a person, in the order of the fields. Dates are compared with now.
func (p Person) Check(now time.Time) (faults []Fault) {
	text := func(field, s string, most int) {
		if why, ok := badText(s, most); !ok {
			faults = append(faults, Fault{field, why[0], why[1]})
		}
	}
	phones := func(field string, all []Phone) {
		if len(all) > MaxPhones {
			faults = append(faults, Fault{field, fmt.Sprintf("最多 %d 个电话", MaxPhones), fmt.Sprintf("want at most %d numbers", MaxPhones)})
		}
		for i, ph := range all {
			at := fmt.Sprintf("%s[%d]", field, i)
			text(at+".label", ph.Label, maxName)
			if !isPhone(ph.Number) {
				faults = append(faults, badPhone(at+".number"))
			}
		}
	}
	text("name", p.Name, maxName)
	if p.BirthDate != "" && !isBirth(p.BirthDate, now) {
		faults = append(faults, badBirth("birth_date"))
	}
	if p.Sex != "" && p.Sex != "female" && p.Sex != "male" {
		faults = append(faults, badSex("sex"))
	}
	phones("phones", p.Phones)
	if len(p.Carers) > MaxCarers {
		faults = append(faults, Fault{"carers", fmt.Sprintf("最多 %d 位照护者", MaxCarers), fmt.Sprintf("want at most %d carers", MaxCarers)})
	}
	for i, c := range p.Carers {
		at := fmt.Sprintf("carers[%d]", i)
		if c.Name == "" {
			faults = append(faults, Fault{at + ".name", "照护者须有姓名", "a carer needs a name"})
		}
		text(at+".name", c.Name, maxName)
		text(at+".relation", c.Relation, maxName)
		phones(at+".phones", c.Phones)
		if !isLanguage(c.Language) {
			faults = append(faults, badLanguage(at+".language"))
		}
	}
	text("address", p.Address, maxAddress)
	text("dialect", p.Dialect, maxName)
	if p.CommunityPhone != "" && !isPhone(p.CommunityPhone) {
		faults = append(faults, badPhone("community_phone"))
	}
	if p.EmergencyPhone != "" && !isPhone(p.EmergencyPhone) {
		faults = append(faults, badPhone("emergency_phone"))
	}
	return faults
}

func badPhone(field string) Fault {
	return Fault{field, "电话须为 3 至 20 位数字，可含 + - ( ) 和空格", "want a phone number of 3 to 20 digits; + - ( ) and spaces may stand in it"}
}

func badBirth(field string) Fault {
	return Fault{field, "出生日期须为 YYYY-MM-DD，且不在将来", "want a date of birth as YYYY-MM-DD that is not in the future"}
}

func badSex(field string) Fault {
	return Fault{field, "性别须为 female、male、女、男或空", "want female, male, 女, 男 or nothing"}
}

func badLanguage(field string) Fault {
	return Fault{field, "语言须为 zh、en 或空", "want zh, en or nothing"}
}

func isLanguage(s string) bool { return s == "" || s == "zh" || s == "en" }

func badText(s string, most int) (why [2]string, ok bool) {
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return [2]string{"含有无法显示的字符", "it has characters that cannot be shown"}, false
	case strings.TrimSpace(s) != s:
		return [2]string{"首尾不能有空格", "it begins or ends with a space"}, false
	case utf8.RuneCountInString(s) > most:
		return [2]string{fmt.Sprintf("最多 %d 个字", most), fmt.Sprintf("want at most %d characters", most)}, false
	}
	return why, true
}

// isPhone tells whether somebody could dial s. A spreadsheet's 1.39E+10 is none.
func isPhone(s string) bool {
	digits := 0
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '+' && i == 0, c == '-', c == '(', c == ')', c == ' ':
		default:
			return false
		}
	}
	return digits >= 3 && digits <= 20 && strings.TrimSpace(s) == s
}

func isBirth(s string, now time.Time) bool {
	born, err := time.Parse(time.DateOnly, s)
	return err == nil && born.Year() >= 1880 && !born.After(now.Add(24*time.Hour)) // the patient's zone may be ahead of ours
}
