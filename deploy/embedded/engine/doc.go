// Package engine runs ClickHouse inside Tocsin's own process tree, so that the history of a small site needs no
// server to be installed, and the same client, SQL and DDL serve it and a ClickHouse cluster.
//
// The engine is libchdb, ClickHouse as a shared library, pinned through npm (npm/package-lock.json). It lives in a child
// process of our binary, `tocsin clickhouse`: a fault in half a gigabyte of foreign code ends the child and nothing else.
//
//	Start   the parent's side: starts the child, keeps its address, starts it again when it dies
//	Main    the child's side: loads the library and speaks ClickHouse's HTTP protocol on loopback
//
// What is handed between them: the listening socket (so the address outlives every crash, and callers wait in its
// queue while a new child comes up), a key that callers must know (readings of patients are behind that port), and a
// pipe that nobody writes to: when it ends the parent is dead, and the child ends at once.
package engine
