// Package desk is what people see: the HTTP API, the live stream, sign-in and who may do what, and the screens that
// are built into the binary. It follows the log and writes wishes into it; nothing that it shows or answers comes from
// anywhere but steps that hold.
//
// A page opens with one GET and then listens to /v1/stream. Each change is sent whole (a warning, a row of the board),
// so that applying one twice does no harm. The id of a change is the vector of offsets in `decisions` up to which its
// sender had read ("p0:123,p1:456"); whoever comes back with it, here or at another desk server, gets what has changed
// since, or a snapshot when that cannot be told any more.
package desk
