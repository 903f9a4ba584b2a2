package demo

import (
	"context"
	"fmt"

	"tocsin/streams/event"
)

// clinics are the community clinics of the ward; they are as made up as its patients.
var clinics = []event.ClinicRequested{
	{Clinic: "demo-east", Zh: "演示东街社区卫生服务中心", En: "Demo East Street Clinic"},
	{Clinic: "demo-west", Zh: "演示西桥社区卫生服务中心", En: "Demo West Bridge Clinic"},
	{Clinic: "demo-lake", Zh: "演示湖滨社区卫生服务中心", En: "Demo Lakeside Clinic"},
	{Clinic: "demo-hill", Zh: "演示山前社区卫生服务中心", En: "Demo Foothill Clinic"},
}

// unplaced belongs to no clinic, as somebody always does.
const unplaced = "P-0129"

// Clinic answers the community clinic of a patient. Those behind one gateway live in one place.
func (p *Patient) Clinic() string {
	switch {
	case p.ID == unplaced:
		return ""
	case p.Course != nil && p.Course.OutFrom > 0:
		return clinics[3].Clinic
	}
	return clinics[p.seed%3].Clinic
}

// settleIn makes the clinics, and tells whether there was none of them before. What somebody changed of them at the desk since the ward
// was first let in stays.
func settleIn(ctx context.Context, o Options) (first bool, err error) {
	first = true
	for _, c := range clinics {
		if _, known := o.View.Clinic(Tenant, c.Clinic); known {
			first = false
			continue
		}
		c.Tenant, c.By = Tenant, "demo"
		if _, err := o.Asker.Ask(ctx, &c); err != nil {
			return false, fmt.Errorf("clinic %s: %w", c.Clinic, err)
		}
	}
	return first, nil
}
