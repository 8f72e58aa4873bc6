//! FIFO, the least that is a policy: the entry that came first leaves first, whatever its use.
//! "Write here" marks what to replace.

const contract = @import("contract.zig");
const Queue = @import("queue.zig").Queue;

pub const Policy = struct {
    /// The last to arrive at the front. Write here: the policy's state, by slot.
    arrival: Queue = .{},

    /// Called once.
    pub fn configure(config: contract.Config, refusal: *contract.Refusal) error{Refused}!Policy {
        // Write here: read options from config.options, and give their names to only.
        try contract.only(config.options, &.{}, refusal);
        return .{};
    }

    /// The entry was used.
    pub fn touch(_: *Policy, _: u32) void {
        // Write here: what a use changes. In a FIFO it changes nothing.
    }

    /// The entry came; the last argument has its hash, weight, load time and time to live.
    pub fn insert(policy: *Policy, slot: u32, _: contract.Entry) void {
        // Write here: where a new entry stands.
        policy.arrival.pushFront(slot);
    }

    /// The entry is gone, and not by this policy.
    pub fn remove(policy: *Policy, slot: u32) void {
        // Write here: forget it.
        policy.arrival.remove(slot);
    }

    /// Who leaves next? Null: nobody is left.
    pub fn victim(policy: *Policy) ?u32 {
        // Write here: choose an entry, and forget it.
        const slot = policy.arrival.back() orelse return null;
        policy.arrival.remove(slot);
        return slot;
    }
};
