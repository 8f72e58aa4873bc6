// The policy's rule, written without a thought for speed.
package main

import "slices"

type model struct {
	// The oldest first.
	slots []uint32
	// Those that were used since the hand last came by.
	used []uint32
	// Place of the entry to look at next.
	hand int
}

func (m *model) touch(slot uint32) {
	m.used = append(m.used, slot)
}

func (m *model) insert(slot uint32) {
	m.wrap()
	m.slots = append(m.slots, slot)
}

func (m *model) remove(slot uint32) {
	at := slices.Index(m.slots, slot)
	m.slots = slices.Delete(m.slots, at, at+1)
	if at < m.hand {
		m.hand--
	}
	m.forgetUse(slot)
}

func (m *model) victim() uint32 {
	for m.wrap(); slices.Contains(m.used, m.slots[m.hand]); m.wrap() {
		m.forgetUse(m.slots[m.hand])
		m.hand++
	}
	slot := m.slots[m.hand]
	m.remove(slot)
	return slot
}

// wrap lets a hand that has passed the newest entry begin with the oldest.
func (m *model) wrap() {
	if m.hand == len(m.slots) {
		m.hand = 0
	}
}

func (m *model) forgetUse(slot uint32) {
	m.used = slices.DeleteFunc(m.used, func(other uint32) bool { return other == slot })
}
