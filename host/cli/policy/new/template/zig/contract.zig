//! How a step of the contract becomes calls of a policy. Nothing has to be changed here;
//! wit/psycache-plugin.wit has the words of the contract.

const std = @import("std");
const builtin = @import("builtin");
const Policy = @import("policy.zig").Policy;

pub const allocator = if (builtin.cpu.arch.isWasm()) std.heap.wasm_allocator else std.heap.page_allocator;

/// What the node tells of an entry when it is stored.
pub const Entry = struct {
    /// Of the key; ghost lists know an entry by it.
    hash: u64,
    /// Its share of the capacity, at least 1.
    weight: u32,
    /// Microseconds that the value took to load, 0 if it was set.
    cost_us: u32,
    /// Time to live in milliseconds, 0 for none.
    ttl_ms: u32,
};

pub const Option = struct { name: []const u8, value: []const u8 };

pub const Config = struct {
    /// In the unit of the weights.
    capacity: u64,
    /// Every slot is below.
    max_entries: u32,
    /// Most that one step may return.
    max_victims: u32,
    /// Same seed and same calls, same victims.
    seed: u64,
    options: []const Option,
};

/// Why a policy answers `error.Refused`.
pub const Refusal = union(enum) {
    unknown_option: []const u8,
    invalid_value: struct { name: []const u8, problem: []const u8 },
    missing_option: []const u8,
};

/// Refuses options that are not known, and options that are given twice.
pub fn only(options: []const Option, known: []const []const u8, refusal: *Refusal) error{Refused}!void {
    for (options, 0..) |option, at| {
        for (known) |name| {
            if (std.mem.eql(u8, name, option.name)) break;
        } else {
            const names = std.mem.join(allocator, ", ", known) catch @panic("out of memory");
            const hint = if (known.len == 0) "there are no options" else "known: ";
            const parts = [_][]const u8{ option.name, " (", hint, names, ")" };
            refusal.* = .{ .unknown_option = std.mem.concat(allocator, u8, &parts) catch @panic("out of memory") };
            return error.Refused;
        }
        for (options[0..at]) |earlier| {
            if (!std.mem.eql(u8, earlier.name, option.name)) continue;
            refusal.* = .{ .invalid_value = .{ .name = option.name, .problem = "is given twice" } };
            return error.Refused;
        }
    }
}

/// Makes a slice at least `len` long; what is new is `empty`.
pub fn grow(comptime T: type, slice: *[]T, len: usize, empty: T) void {
    const old = slice.len;
    if (len <= old) return;
    slice.* = allocator.realloc(slice.*, @max(len, 2 * old)) catch @panic("out of memory");
    @memset(slice.*[old..], empty);
}

/// All that happened since the last step.
pub const Step = struct {
    touched: []const u32 = &.{},
    removed: []const u32 = &.{},
    admitted: []const u32 = &.{},
    hashes: []const u64 = &.{},
    attributes: []const u32 = &.{},
    need: u64 = 0,
    now: u64 = 0,

    /// Later versions may append attributes.
    fn entry(step: Step, at: usize) Entry {
        const attributes = step.attributes[at * (step.attributes.len / step.admitted.len) ..];
        return .{ .hash = step.hashes[at], .weight = @max(attributes[0], 1), .cost_us = attributes[1], .ttl_ms = attributes[2] };
    }
};

/// Drives a policy by the steps of the contract. `touch` and `remove` name resident slots only,
/// `insert` only slots that are not. A slot is resident from its `insert` until its `remove`,
/// or until `victim` returns it. A policy with a function `overwrite(*Policy, u32, Entry)` is
/// told of a value that was replaced; for others that is a `touch`.
pub const Stepped = struct {
    policy: Policy,
    /// By slot; 0: nothing is resident there.
    weights: []u32 = &.{},
    /// As long as an answer may be.
    victims: []u32,
    count: usize = 0,
    /// Which of the step's admitted entries are new; kept for its memory alone.
    newcomers: []usize = &.{},

    pub fn configure(config: Config, refusal: *Refusal) error{Refused}!Stepped {
        const policy = try Policy.configure(config, refusal);
        return .{ .policy = policy, .victims = allocator.alloc(u32, config.max_victims) catch @panic("out of memory") };
    }

    /// Returns the victims, coldest first. They are good until the next call.
    ///
    /// Those that were resident before are asked first, and those just admitted only if the
    /// others do not suffice: "evict, then insert", as the definitions of policies have it.
    pub fn step(stepped: *Stepped, happened: Step) []const u32 {
        stepped.count = 0;
        for (happened.touched) |slot| {
            if (stepped.isResident(slot)) stepped.policy.touch(slot);
        }
        for (happened.removed) |slot| {
            if (!stepped.isResident(slot)) continue;
            stepped.weights[slot] = 0;
            stepped.policy.remove(slot);
        }
        grow(usize, &stepped.newcomers, happened.admitted.len, 0);
        var new: usize = 0;
        for (happened.admitted, 0..) |slot, at| {
            if (stepped.isResident(slot)) {
                stepped.overwrite(slot, happened.entry(at));
            } else {
                stepped.newcomers[new] = at;
                new += 1;
            }
        }
        const freed = stepped.choose(happened.need, 0);
        for (stepped.newcomers[0..new]) |at| {
            const slot = happened.admitted[at];
            const entry = happened.entry(at);
            grow(u32, &stepped.weights, slot + 1, 0);
            stepped.weights[slot] = entry.weight;
            stepped.policy.insert(slot, entry);
        }
        _ = stepped.choose(happened.need, freed);
        return stepped.victims[0..stepped.count];
    }

    fn isResident(stepped: Stepped, slot: u32) bool {
        return slot < stepped.weights.len and stepped.weights[slot] > 0;
    }

    fn overwrite(stepped: *Stepped, slot: u32, entry: Entry) void {
        stepped.weights[slot] = entry.weight;
        if (@hasDecl(Policy, "overwrite")) {
            stepped.policy.overwrite(slot, entry);
        } else {
            stepped.policy.touch(slot);
        }
    }

    /// Adds victims until they weigh `need`, and returns what they weigh.
    fn choose(stepped: *Stepped, need: u64, before: u64) u64 {
        var freed = before;
        while (freed < need and stepped.count < stepped.victims.len) {
            const slot = stepped.policy.victim() orelse break;
            freed += stepped.weights[slot];
            stepped.weights[slot] = 0;
            stepped.victims[stepped.count] = slot;
            stepped.count += 1;
        }
        return freed;
    }
};
