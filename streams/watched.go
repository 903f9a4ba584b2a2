package streams

import (
	"strconv"
	"strings"

	"tocsin/streams/event"
)

// The watchdog's made-up patients, one for each partition. What they measure goes the way of everybody's readings and leads
// to warnings by the same functions; what is said of people leaves them out: notices, screens, records and figures ask
// IsWatched, the rules and the warnings never do.

const watchedPrefix = "watchdog-"

// WatchedPatient answers the made-up patient of a partition out of n: the first of the tenant that falls into it.
func WatchedPatient(partition, n int32) string {
	for i := 0; ; i++ {
		if patient := watchedPrefix + strconv.Itoa(i); PartitionOf(PatientKey(SystemTenant, patient), n) == partition {
			return patient
		}
	}
}

// IsWatched tells whether a key is a made-up patient's.
func IsWatched(key string) bool {
	tenant, patient := SplitPatientKey(key)
	return IsWatchedGroup(tenant, event.WatchedGroup) && strings.HasPrefix(patient, watchedPrefix)
}

// IsWatchedGroup tells whether a group is that of the made-up patients.
func IsWatchedGroup(tenant, group string) bool {
	return tenant == SystemTenant && group == event.WatchedGroup
}
