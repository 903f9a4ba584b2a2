package vault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Columns are what an import may say of a person, beside the columns of the directory. A file need have none of them.
//
//	name                    姓名
//	birth_date              1952-03-17, also 1952/3/17
//	sex                     female, male, 女, 男
//	phone, phone2, phone3   a number, or what it is with the number: mobile:000-0101
//	carer1_name …           up to carer5_, in the order in which they are called: _name, _relation, _phone, _phone2,
//	                        _language (zh, en: in which they are told what to do in danger)
//	address                 with floor and door code
//	dialect                 粤语, Sichuan …
//	lives_alone             yes, no, 是, 否
//	community_phone         of the community clinic
//	emergency_phone         of the patient's own 120 centre
//
// An empty cell says nothing: what the vault has of it stays.
type Columns struct {
	Now func() time.Time // dates of birth are compared with it
}

var columnNames = func() []string {
	all := []string{"name", "birth_date", "sex", "phone", "phone2", "phone3"}
	for i := 1; i <= MaxCarers; i++ {
		for _, part := range []string{"name", "relation", "phone", "phone2", "language"} {
			all = append(all, fmt.Sprintf("carer%d_%s", i, part))
		}
	}
	return append(all, "address", "dialect", "lives_alone", "community_phone", "emergency_phone")
}()

// ColumnNames answers every column, in order.
func ColumnNames() []string { return slices.Clone(columnNames) }

// Has tells whether there is such a column.
func (Columns) Has(column string) bool { return slices.Contains(columnNames, column) }

// Check tells everything that is wrong with a row's cells, each with its column and never with what stands there.
func (c Columns) Check(cells map[string]string) error {
	_, err := c.Person(cells)
	return err
}

// Person answers whom the cells of a row name; empty cells say nothing.
func (c Columns) Person(cells map[string]string) (Person, error) {
	r := row{cells: cells, now: c.Now()}
	p := Person{
		Name: r.text("name", maxName), BirthDate: r.birth("birth_date"), Sex: r.sex("sex"), Phones: r.phones("phone", "phone2", "phone3"), Carers: r.carers(),
		Address: r.text("address", maxAddress), Dialect: r.text("dialect", maxName), LivesAlone: r.yes("lives_alone"),
		CommunityPhone: r.number("community_phone"), EmergencyPhone: r.number("emergency_phone"),
	}
	if len(r.faults) > 0 {
		return Person{}, errors.Join(r.faults...)
	}
	return p, nil
}

// Over lays what p says over what stands: lists are replaced whole, and what p does not say stays.
func (p Person) Over(stands Person) Person {
	set := func(to *string, s string) {
		if s != "" {
			*to = s
		}
	}
	set(&stands.Name, p.Name)
	set(&stands.BirthDate, p.BirthDate)
	set(&stands.Sex, p.Sex)
	set(&stands.Address, p.Address)
	set(&stands.Dialect, p.Dialect)
	set(&stands.CommunityPhone, p.CommunityPhone)
	set(&stands.EmergencyPhone, p.EmergencyPhone)
	if len(p.Phones) > 0 {
		stands.Phones = p.Phones
	}
	if len(p.Carers) > 0 {
		stands.Carers = p.Carers
	}
	if p.LivesAlone != nil {
		stands.LivesAlone = p.LivesAlone
	}
	return stands
}

// row reads cells and gathers what is wrong with them.
type row struct {
	cells  map[string]string
	now    time.Time
	faults []error
}

func (r *row) fault(f Fault) { r.faults = append(r.faults, cellFault(f)) }

// cellFault is a fault of a cell, by its column.
type cellFault Fault

func (f cellFault) Error() string { return "column " + f.Field + ": " + f.En }

// InChinese says the same.
func (f cellFault) InChinese() string {
	if f.Zh == "" {
		return f.Error()
	}
	return f.Field + " 列：" + f.Zh
}

func (r *row) text(column string, most int) string {
	s := r.cells[column]
	if why, ok := badText(s, most); !ok {
		r.fault(Fault{column, why[0], why[1]})
	}
	return s
}

// birth takes what spreadsheets make of dates too.
func (r *row) birth(column string) string {
	s := r.cells[column]
	if s == "" {
		return ""
	}
	for _, form := range []string{time.DateOnly, "2006/1/2", "2006-1-2", "2006.1.2"} {
		if born, err := time.Parse(form, s); err == nil && isBirth(born.Format(time.DateOnly), r.now) {
			return born.Format(time.DateOnly)
		}
	}
	r.fault(badBirth(column))
	return ""
}

func (r *row) sex(column string) string {
	s, ok := map[string]string{"": "", "female": "female", "f": "female", "女": "female", "male": "male", "m": "male", "男": "male"}[strings.ToLower(r.cells[column])]
	if !ok {
		r.fault(badSex(column))
	}
	return s
}

func (r *row) yes(column string) *bool {
	switch strings.ToLower(r.cells[column]) {
	case "":
	case "yes", "y", "true", "1", "是":
		is := true
		return &is
	case "no", "n", "false", "0", "否":
		is := false
		return &is
	default:
		r.fault(Fault{column, "须为 yes、no、是、否或空", "want yes, no, 是, 否 or nothing"})
	}
	return nil
}

func (r *row) number(column string) string {
	s := r.cells[column]
	if s != "" && !isPhone(s) {
		r.fault(badPhone(column))
	}
	return s
}

// phones reads the columns that are filled, in their order.
func (r *row) phones(columns ...string) (all []Phone) {
	for _, column := range columns {
		s := r.cells[column]
		if s == "" {
			continue
		}
		label, number, both := strings.Cut(strings.ReplaceAll(s, "：", ":"), ":")
		if !both {
			label, number = "", s
		}
		p := Phone{strings.TrimSpace(label), strings.TrimSpace(number)}
		if why, ok := badText(p.Label, maxName); !ok {
			r.fault(Fault{column, why[0], why[1]})
		} else if !isPhone(p.Number) {
			r.fault(badPhone(column))
		}
		all = append(all, p)
	}
	return all
}

func (r *row) carers() (all []Carer) {
	for i := 1; i <= MaxCarers; i++ {
		at := fmt.Sprintf("carer%d_", i)
		c := Carer{Name: r.text(at+"name", maxName), Relation: r.text(at+"relation", maxName), Phones: r.phones(at+"phone", at+"phone2"), Language: strings.ToLower(r.cells[at+"language"])}
		if c.Name == "" && c.Relation == "" && len(c.Phones) == 0 && c.Language == "" {
			continue
		}
		if c.Name == "" {
			r.fault(Fault{at + "name", "照护者须有姓名", "a carer needs a name"})
		}
		if !isLanguage(c.Language) {
			r.fault(badLanguage(at + "language"))
		}
		all = append(all, c)
	}
	return all
}
