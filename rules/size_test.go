package rules_test

import (
	"unsafe"

	"tocsin/rules"
)

const stateSize = unsafe.Sizeof(rules.State{})
