// The policy against the model, by random steps.
package main

import (
	"math/rand/v2"
	"slices"
	"testing"
)

const capacity = 20

func start(t *testing.T) *stepped {
	s, err := newStepped(config{capacity: capacity, maxEntries: 2 * capacity, maxVictims: capacity})
	if err != nil {
		t.Fatalf("no options were given: %+v", *err)
	}
	return s
}

func TestAgreesWithTheModel(t *testing.T) {
	policy, model := start(t), &model{}
	resident := map[uint32]bool{}
	random := rand.New(rand.NewPCG(1, 2))
	for at := range 20_000 {
		slot := random.Uint32N(2 * capacity)
		var step step
		var expected []uint32
		switch random.IntN(8) {
		case 0, 1, 2, 3: // comes, or is overwritten
			step.admitted, step.hashes, step.attributes = []uint32{slot}, []uint64{7}, []uint32{1, 0, 0}
			if resident[slot] {
				model.touch(slot)
				break
			}
			if len(resident) == capacity {
				victim := model.victim()
				step.need, expected = 1, []uint32{victim}
				delete(resident, victim)
			}
			model.insert(slot)
			resident[slot] = true
		case 4: // is removed
			step.removed = []uint32{slot}
			if resident[slot] {
				model.remove(slot)
				delete(resident, slot)
			}
		default: // is used
			step.touched = []uint32{slot}
			if resident[slot] {
				model.touch(slot)
			}
		}
		if victims := policy.step(&step); !slices.Equal(victims, expected) {
			t.Fatalf("step %d, %+v: victims %v, expected %v", at, step, victims, expected)
		}
	}
}

func TestLongerAttributesAreStridedOver(t *testing.T) {
	policy := start(t)
	policy.step(&step{admitted: []uint32{0, 1}, hashes: []uint64{7, 8}, attributes: []uint32{5, 0, 0, 9, 3, 0, 0, 9}})
	// 5 and 3 make 8, and nobody else is there.
	if victims := policy.step(&step{need: 6}); !slices.Equal(victims, []uint32{0, 1}) {
		t.Fatalf("victims %v", victims)
	}
}

func TestAnOptionThatThereIsNotIsRefused(t *testing.T) {
	_, err := newStepped(config{options: []option{{"k", "2"}}})
	if err == nil || err.name != "k (there are no options)" {
		t.Fatalf("%+v", err)
	}
}
