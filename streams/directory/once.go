package directory

import (
	"fmt"
	"reflect"
)

// once leaves out the rows of a file that say again what a row before them said, and tells those that contradict one:
// whichever came last would win in silence, and a device that stood there twice would get two tokens, one of them dead.
func once(rows []Row) ([]Row, []error) {
	type patient struct{ tenant, patient string }
	type worn struct {
		patient
		device string
	}
	var kept []Row
	var faults []error
	groups, clinics, devices, consents := map[patient]Row{}, map[patient]Row{}, map[worn]int{}, map[patient]int{}
	for n, row := range rows {
		p := patient{row.Tenant, row.Patient}
		if before, ok := groups[p]; !ok {
			groups[p] = row
		} else if before.Group != row.Group {
			faults = append(faults, faultOf(row.Line, inWords(
				fmt.Sprintf("patient %s/%s is in group %s here and in %s on line %d; want one group", row.Tenant, row.Patient, row.Group, before.Group, before.Line),
				fmt.Sprintf("患者 %s/%s 在此行属于 %s 组，在第 %[5]d 行属于 %[4]s 组；请改为一致", row.Tenant, row.Patient, row.Group, before.Group, before.Line))))
			continue
		}
		if before, ok := clinics[p]; row.Clinic != "" && ok && before.Clinic != row.Clinic {
			faults = append(faults, faultOf(row.Line, inWords(
				fmt.Sprintf("patient %s/%s is at clinic %s here and at %s on line %d; want one clinic", row.Tenant, row.Patient, row.Clinic, before.Clinic, before.Line),
				fmt.Sprintf("患者 %s/%s 在此行属于社区卫生服务中心 %s，在第 %[5]d 行属于 %[4]s；请改为一致", row.Tenant, row.Patient, row.Clinic, before.Clinic, before.Line))))
			continue
		} else if row.Clinic != "" && !ok {
			clinics[p] = row
		}
		if before, ok := consents[p]; row.Consent != nil && ok && !reflect.DeepEqual(rows[before].Consent, row.Consent) {
			faults = append(faults, faultOf(row.Line, inWords(
				fmt.Sprintf("patient %s/%s has another consent on line %d; want one consent in one file", row.Tenant, row.Patient, rows[before].Line),
				fmt.Sprintf("患者 %s/%s 的知情同意与第 %d 行不同；一个文件中每位患者只能有一份", row.Tenant, row.Patient, rows[before].Line))))
			continue
		} else if row.Consent != nil && !ok {
			consents[p] = n
		}
		w := worn{p, row.Device}
		i, again := devices[w]
		if again && kept[i].Consent == nil {
			kept[i].Consent = row.Consent
		}
		if again && kept[i].Clinic == "" {
			kept[i].Clinic = row.Clinic
		}
		switch {
		case !again:
			devices[w] = len(kept)
			kept = append(kept, row)
		case row.Token == "" || row.Token == kept[i].Token:
		case kept[i].Token == "":
			kept[i].Token = row.Token
		default:
			faults = append(faults, faultOf(row.Line, inWords(
				fmt.Sprintf("device %s has another token on line %d; want one token", row.Device, kept[i].Line),
				fmt.Sprintf("设备 %s 的令牌与第 %d 行不同；请改为一致", row.Device, kept[i].Line))))
		}
	}
	return kept, faults
}
