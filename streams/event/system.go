package event

// SystemTenant owns what belongs to no hospital: faults of partitions and of the system, and the watchdog's made-up patients.
const SystemTenant = "tocsin"

// WatchedGroup is the group of the made-up patients, one for each partition, in whose name the watchdog tries the whole way
// each minute. It is also the id of their pack, and the role of the watchdog, which may see and close their warnings alone.
const WatchedGroup = "watchdog"
