//! LRU: the entry whose last use lies furthest back leaves first.

const contract = @import("contract.zig");
const Queue = @import("queue.zig").Queue;

pub const Policy = struct {
    /// The last used at the front.
    recency: Queue = .{},

    /// Called once: read the options here, and refuse unknown ones.
    pub fn configure(config: contract.Config, refusal: *contract.Refusal) error{Refused}!Policy {
        try contract.only(config.options, &.{}, refusal);
        return .{};
    }

    /// The entry was used.
    pub fn touch(policy: *Policy, slot: u32) void {
        policy.recency.remove(slot);
        policy.recency.pushFront(slot);
    }

    /// The entry came.
    pub fn insert(policy: *Policy, slot: u32, _: contract.Entry) void {
        policy.recency.pushFront(slot);
    }

    /// The entry is gone, and not by this policy.
    pub fn remove(policy: *Policy, slot: u32) void {
        policy.recency.remove(slot);
    }

    /// Who leaves next? It is forgotten. Null: nobody is left.
    pub fn victim(policy: *Policy) ?u32 {
        const slot = policy.recency.back() orelse return null;
        policy.recency.remove(slot);
        return slot;
    }
};
