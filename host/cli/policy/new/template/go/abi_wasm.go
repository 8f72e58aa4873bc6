// The calls of the node, by the canonical ABI of the component model. Nothing has to be
// changed here.
package main

import "unsafe"

var (
	running *stepped
	// Arguments lie here until the call is done: nothing is collected in between, and
	// the memory is used again.
	arena    []uint64
	used     int
	overflow [][]uint64
	answer   [6]uint32
	// What answer points at, so that it is not collected.
	refused *configError
)

// The node asks for a place for each argument.
//
//go:wasmexport cabi_realloc
func place(old unsafe.Pointer, oldSize, _, size uint32) unsafe.Pointer {
	words := int(size+7)/8 + 1
	var place []uint64
	if used+words <= len(arena) {
		place = arena[used : used+words]
		used += words
	} else {
		place = make([]uint64, words)
		overflow = append(overflow, place)
	}
	if old != nil {
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&place[0])), size), list[byte](uint32(uintptr(old)), min(oldSize, size)))
	}
	return unsafe.Pointer(&place[0])
}

// done takes all places back, and makes room for as many arguments the next time.
func done() {
	used = 0
	if len(overflow) > 0 {
		words := len(arena)
		for _, place := range overflow {
			words += len(place)
		}
		arena, overflow = make([]uint64, words), nil
	}
}

// Addresses are numbers here: an exported function may have parameters of 128 bytes in
// all, and Go counts eight for a pointer.
func list[T any](address, length uint32) []T {
	return unsafe.Slice((*T)(unsafe.Pointer(uintptr(address))), length)
}

func text(address, length uint32) string { return string(list[byte](address, length)) }

func address[T any](first *T) uint32 { return uint32(uintptr(unsafe.Pointer(first))) }

//go:wasmexport psycache:plugin/policy@0.1.0#configure
func configure(capacity uint64, maxEntries, maxVictims uint32, seed uint64, options, length uint32) unsafe.Pointer {
	c := config{capacity: capacity, maxEntries: maxEntries, maxVictims: maxVictims, seed: seed}
	for _, o := range list[[4]uint32](options, length) {
		c.options = append(c.options, option{text(o[0], o[1]), text(o[2], o[3])})
	}
	done()
	running, refused = newStepped(c)
	if e := refused; e != nil {
		name, problem := unsafe.StringData(e.name), unsafe.StringData(e.problem)
		answer = [6]uint32{1, e.kind, address(name), uint32(len(e.name)), address(problem), uint32(len(e.problem))}
	}
	return unsafe.Pointer(&answer)
}

//go:wasmexport psycache:plugin/policy@0.1.0#step
func exportedStep(touched, touchedLen, removed, removedLen, admitted, admittedLen, hashes, hashesLen, attributes, attributesLen uint32, need, now uint64) unsafe.Pointer {
	victims := running.step(&step{
		list[uint32](touched, touchedLen), list[uint32](removed, removedLen), list[uint32](admitted, admittedLen),
		list[uint64](hashes, hashesLen), list[uint32](attributes, attributesLen), need, now,
	})
	done()
	answer[0], answer[1] = address(unsafe.SliceData(victims)), uint32(len(victims))
	return unsafe.Pointer(&answer)
}
