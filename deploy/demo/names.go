package demo

import (
	"context"
	"fmt"
	"time"

	"tocsin/care/vault"
	"tocsin/desk"
)

// Who the forty are: nobody. The names say so, and no number that begins with 000 is anybody's.

var (
	dialects  = []string{"", "粤语 Cantonese", "沪语 Shanghainese", "四川话 Sichuanese", "客家话 Hakka"}
	relations = []string{"女儿 daughter", "儿子 son", "配偶 spouse", "邻居 neighbour"}
)

// Person answers who the patient is made out to be. Some live alone, some have no carer, one has no phone that is known.
func (p *Patient) Person(now time.Time) vault.Person {
	n := int(p.seed) - firstID + 1
	number := func(k int) string { return fmt.Sprintf("000-%04d-%04d", n, k) }
	alone := n%3 == 1
	who := vault.Person{
		Name: fmt.Sprintf("Demo Patient %02d 演示患者%02d", n, n), BirthDate: now.AddDate(-p.Plan.AgeYears, 0, -1-n*9%350).Format(time.DateOnly),
		Sex: []string{"female", "male"}[n%2], Address: fmt.Sprintf("Demo Road %d, 3rd floor, door code 0000 演示路%d号3楼，门禁 0000", n, n), Dialect: dialects[n%len(dialects)],
		LivesAlone: &alone, CommunityPhone: fmt.Sprintf("000-9000-%04d", 1+n%4), EmergencyPhone: fmt.Sprintf("000-0120-%04d", 1+n%3),
	}
	if p.Plan.Pregnant {
		who.Sex = "female"
	}
	if n != 40 {
		who.Phones = []vault.Phone{{Label: "手机 mobile", Number: number(1)}, {Label: "座机 home", Number: number(2)}}
	}
	for k := range n % 3 {
		who.Carers = append(who.Carers, vault.Carer{Name: fmt.Sprintf("Demo Carer %02d-%d 演示家属%02d-%d", n, k+1, n, k+1), Relation: relations[(n+k)%len(relations)],
			Phones: []vault.Phone{{Number: number(3 + k)}}})
	}
	return who
}

// name puts those of the forty into the vault of whom it has nothing, when there is one.
func (w *Ward) name(ctx context.Context, o Options) error {
	if o.Vault == nil {
		return nil
	}
	var said []desk.Naming
	for i, p := range w.Patients {
		if _, there := o.View.Person(Tenant, p.ID); !there {
			said = append(said, desk.Naming{Line: i + 1, Tenant: Tenant, Patient: p.ID, Person: p.Person(time.Now())})
		}
	}
	_, refused, err := desk.Keep(ctx, o.Vault, o.View, o.Asker, said, "demo", nil)
	for line, r := range refused {
		err = fmt.Errorf("name patient %s: %s", w.Patients[line-1].ID, r.En)
	}
	return err
}
