//! Slots in an order: a linked list in one array. Every call takes the same time.

const contract = @import("contract.zig");

pub const Queue = struct {
    /// Neighbours of each slot, one place beyond its number: place 0 is the queue itself, whose
    /// next is the front and whose previous is the back.
    links: []Link = &.{},

    const Link = struct { previous: u32 = 0, next: u32 = 0 };

    /// Puts a slot that is not in the queue at its front.
    pub fn pushFront(queue: *Queue, slot: u32) void {
        const at = slot + 1;
        contract.grow(Link, &queue.links, at + 1, .{});
        const front = queue.links[0].next;
        queue.links[at] = .{ .previous = 0, .next = front };
        queue.links[front].previous = at;
        queue.links[0].next = at;
    }

    /// Takes a slot out that is in the queue.
    pub fn remove(queue: *Queue, slot: u32) void {
        const link = queue.links[slot + 1];
        queue.links[link.previous].next = link.next;
        queue.links[link.next].previous = link.previous;
    }

    /// The slot at the back. Null: the queue is empty.
    pub fn back(queue: Queue) ?u32 {
        if (queue.links.len == 0 or queue.links[0].previous == 0) return null;
        return queue.links[0].previous - 1;
    }

    /// The next slot towards the front. Null: `slot` is at the front.
    pub fn before(queue: Queue, slot: u32) ?u32 {
        const at = queue.links[slot + 1].previous;
        return if (at == 0) null else at - 1;
    }
};
