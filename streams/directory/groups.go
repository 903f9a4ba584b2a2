package directory

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/streams/event"
)

// maxGroups is how many groups one patient can be in.
const maxGroups = 8

// groupsJoin stands between the groups of a patient where they are written in one field. No group can have it in its name.
const groupsJoin = "+"

// tidyGroups writes the groups of a field in one way: without spaces around them, the further ones by name, so that rows
// which say the same look the same.
func tidyGroups(field string) string {
	groups := strings.Split(field, groupsJoin)
	for i := range groups {
		groups[i] = strings.TrimSpace(groups[i])
	}
	slices.Sort(groups[1:])
	return strings.Join(groups, groupsJoin)
}

// groupsOf answers all groups of an enrolment, the leading one first.
func groupsOf(r *event.EnrolRequested) []string {
	return append([]string{r.Group}, r.Also...)
}

func checkGroups(groups []string) error {
	if len(groups) > maxGroups {
		return inWords(fmt.Sprintf("%d groups for one patient; want at most %d", len(groups), maxGroups), fmt.Sprintf("一位患者有 %d 个专病组，最多 %d 个", len(groups), maxGroups))
	}
	for i, g := range groups {
		if err := CheckID("group", g); err != nil {
			return err
		}
		if slices.Contains(groups[:i], g) {
			return inWords(fmt.Sprintf("group %q stands there twice", g), fmt.Sprintf("专病组 %q 重复", g))
		}
	}
	return nil
}

// inOrder is the request with its further groups by name: their order means nothing.
func inOrder(r *event.EnrolRequested) *event.EnrolRequested {
	if slices.IsSorted(r.Also) {
		return r
	}
	sorted := *r
	sorted.Also = slices.Clone(r.Also)
	slices.Sort(sorted.Also)
	return &sorted
}

// in tells whether the patient is in just the groups of an enrolment.
func (p *Patient) in(r *event.EnrolRequested) bool {
	return p.Group == r.Group && slices.Equal(p.Also, r.Also)
}

// groupAsked answers which of the patient's groups a forwarded request is about, by the key that it went to.
func groupAsked(d *event.RequestForwarded, r *event.EnrolRequested, key func(group string) string) string {
	for _, g := range r.Also {
		if key(g) == d.To {
			return g
		}
	}
	return r.Group
}

// behindGroup goes on to the group behind that one, and behind the last to the patient.
func behindGroup(id, group string, r *event.EnrolRequested) []event.Event {
	groups := groupsOf(r)
	if i := slices.Index(groups, group) + 1; i < len(groups) {
		return forwardEnrolFor(id, stageGroup, groups[i], r)
	}
	return forwardEnrol(id, stageEnrol, r)
}
