// Package watchdog tries the whole way each minute: for each partition of the log a made-up patient sends a grave reading
// through the real door, and the warning has to stand on every desk within 30 s. When it does not, whoever is outside is called
// and the desks say that nobody is watching.
//
// It knows what a device and a browser know, and nothing of Tocsin's insides: it imports no other package of this repository. A
// round of one partition:
//
//	device   connects with its own token, sends a saturation of 97 and then of 71 %, QoS 1; both must get a PUBACK
//	browser  sees a high warning on the desk's live stream that rests on that very reading, on every desk
//	browser  accepts and closes it, by the clicks of everybody
//
// So each minute has a warning of its own. We tried others in thought: to look for the assessment alone, or for an open episode
// that becomes milder and graver, would stay green when warnings were not raised any more, for anybody; to raise anew takes
// that the last one was closed, and no machine closes a high but its own, which is no patient's (alerts, role watchdog).
// Nothing is passed over for it anywhere on the way: rules and warnings do not know that the patient is made up. It is left out
// where people are told or counted: notices, screens, records (streams.IsWatched). That it can also not click any more is a fault
// of its own, since then nobody can.
package watchdog
