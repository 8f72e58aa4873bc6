//! The calls of the node, by the canonical ABI of the component model. Nothing has to be changed
//! here.

const contract = @import("contract.zig");

var running: contract.Stepped = undefined;
var answer: [6]u32 = @splat(0);

/// Arguments lie in `arena` until the call is done. What does not fit lies elsewhere, and the
/// next call finds a larger arena.
var arena: []u64 = &.{};
var used: usize = 0;
var overflow: usize = 0;

fn words(len: usize) []u64 {
    return contract.allocator.alloc(u64, len) catch @panic("out of memory");
}

/// The node asks for a place for each argument.
fn place(old: ?[*]const u8, old_len: usize, _: usize, len: usize) callconv(.c) [*]u8 {
    const count = len / 8 + 1;
    var found: []u64 = undefined;
    if (used + count <= arena.len) {
        found = arena[used..];
        used += count;
    } else {
        found = words(count);
        overflow += count;
    }
    const bytes: [*]u8 = @ptrCast(found);
    if (old) |before| @memcpy(bytes[0..@min(old_len, len)], before[0..@min(old_len, len)]);
    return bytes;
}

fn done() void {
    // What lay elsewhere is lost: a few times, until the arena is large enough.
    if (overflow > 0) arena = words(2 * (arena.len + overflow));
    overflow = 0;
    used = 0;
}

fn address(pointer: anytype) u32 {
    return @intCast(@intFromPtr(pointer));
}

const Text = extern struct { bytes: [*]const u8, len: usize };

fn copied(text: Text) []const u8 {
    return contract.allocator.dupe(u8, text.bytes[0..text.len]) catch @panic("out of memory");
}

fn configure(capacity: u64, max_entries: u32, max_victims: u32, seed: u64, options: [*]const [2]Text, options_len: usize) callconv(.c) *const [6]u32 {
    const own = contract.allocator.alloc(contract.Option, options_len) catch @panic("out of memory");
    for (own, options[0..options_len]) |*option, pair| option.* = .{ .name = copied(pair[0]), .value = copied(pair[1]) };
    done();
    const config: contract.Config = .{ .capacity = capacity, .max_entries = max_entries, .max_victims = max_victims, .seed = seed, .options = own };
    var refusal: contract.Refusal = undefined;
    if (contract.Stepped.configure(config, &refusal)) |made| {
        running = made;
    } else |_| {
        const name, const problem = switch (refusal) {
            .unknown_option, .missing_option => |name| .{ name, "" },
            .invalid_value => |value| .{ value.name, value.problem },
        };
        answer = .{ 1, @intFromEnum(refusal), address(name.ptr), name.len, address(problem.ptr), problem.len };
    }
    return &answer;
}

fn step(touched: [*]const u32, touched_len: usize, removed: [*]const u32, removed_len: usize, admitted: [*]const u32, admitted_len: usize, hashes: [*]const u64, hashes_len: usize, attributes: [*]const u32, attributes_len: usize, need: u64, now: u64) callconv(.c) *const [6]u32 {
    const victims = running.step(.{
        .touched = touched[0..touched_len],
        .removed = removed[0..removed_len],
        .admitted = admitted[0..admitted_len],
        .hashes = hashes[0..hashes_len],
        .attributes = attributes[0..attributes_len],
        .need = need,
        .now = now,
    });
    done();
    answer[0] = address(victims.ptr);
    answer[1] = victims.len;
    return &answer;
}

comptime {
    @export(&place, .{ .name = "cabi_realloc" });
    @export(&configure, .{ .name = "psycache:plugin/policy@0.1.0#configure" });
    @export(&step, .{ .name = "psycache:plugin/policy@0.1.0#step" });
}
