// Package pack reads rule packs: one YAML file for each disease group, written by clinicians and checked here. It hands the
// rules plain values. A pack that has a fault is refused with every fault at once, each with file, line and column, so that
// whoever wrote it mends it in one go; the pack before goes on meanwhile.
//
// The shape, by example (library/news2.yaml is the commented one):
//
//	pack: news2                      # id; groups name it
//	version: 3                       # raised with every change
//	zone: "+08:00"                   # in which dates are put into words
//	sources:
//	  rcp2017: {cite: "...", evidence: I}   # R read, S secondary, I implementation, M memory (never in effect), P our policy
//	signals:
//	  spo2_percent: {unit: "%", cadence: 6h, grace: 2h, fresh: 12h, tolerance: 4, source: ...}
//	score: {...}                     # interval tables, bands, scope, what to ask for
//	limits: [...]                    # single signs; danger: true for the immediate-danger band
//	own_targets: [...]               # steps beyond a patient's own target
//	silence, confirm, backlog, hold  # see the library
package pack
