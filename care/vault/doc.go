// Package vault keeps who a patient is: name, birth date, phones, carers, address, and whom to call for help. Nowhere else in
// Tocsin does any of it stand in clear: what is sealed here lies in the directory's log as bytes that say nothing.
//
//	Person        what is kept of one patient; it never prints itself
//	columns.go    the same as the columns of an import
//	master.go     the master key: a Tink keyset in a file that its owner alone can read
//	keys.go       one data key a patient, each in a file of its own, encrypted by the master key
//	secret.go     the same for what must stay secret of an account: its second factor
//	vault.go      Seal and Open (AES-256-GCM), Erase (the key is destroyed: nobody opens what lies in the log any more), Rotate
//
// Data keys do not lie in the log, since what lies there stays for ever. A backup needs the folder of the keys and the master key,
// kept apart: either alone opens nothing. Several desk servers share the folder. Nothing is cached, so that what was
// erased or rotated elsewhere is so here at once.
package vault
