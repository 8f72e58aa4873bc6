// The policy's rule, written without a thought for speed.
package main

import "slices"

type model struct {
	// The coldest first.
	slots []uint32
}

func (m *model) touch(slot uint32) {
	m.remove(slot)
	m.insert(slot)
}

func (m *model) insert(slot uint32) {
	m.slots = append(m.slots, slot)
}

func (m *model) remove(slot uint32) {
	at := slices.Index(m.slots, slot)
	m.slots = slices.Delete(m.slots, at, at+1)
}

func (m *model) victim() uint32 {
	slot := m.slots[0]
	m.remove(slot)
	return slot
}
