//! Small buffers that know in one allocation how many hold them.
//!
//! `Bytes` made of a vector allocates its counter apart, when it is first shared:
//! one allocation and one cache line more for each hit. Here the counter stands
//! right before the bytes. `Bytes::from_owner` does that for an owner of a fixed
//! size, hence a function for each size.

use bytes::Bytes;

/// Sizes are multiples of this, as an allocator's are.
const STEP: usize = 16;

/// From this size on, a counter apart is little.
const LARGEST: usize = 512;

macro_rules! sizes {
    ($($size:literal)*) => { [$(fixed::<$size>),*] };
}

/// The parts one after the other.
pub(super) fn joined(parts: &[&[u8]]) -> Bytes {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    match FIXED.get(len.saturating_sub(1) / STEP) {
        Some(fixed) => fixed(parts),
        None => parts.concat().into(),
    }
}

/// By size: one step, two steps, and so on.
const FIXED: [fn(&[&[u8]]) -> Bytes; LARGEST / STEP] = sizes!(
    16 32 48 64 80 96 112 128 144 160 176 192 208 224 240 256
    272 288 304 320 336 352 368 384 400 416 432 448 464 480 496 512
);

struct Fixed<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> AsRef<[u8]> for Fixed<SIZE> {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

fn fixed<const SIZE: usize>(parts: &[&[u8]]) -> Bytes {
    let mut buffer = [0; SIZE];
    let mut len = 0;
    for part in parts {
        buffer[len..len + part.len()].copy_from_slice(part);
        len += part.len();
    }
    let mut bytes = Bytes::from_owner(Fixed(buffer));
    bytes.truncate(len);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_comes_back_as_it_was() {
        for len in 0..LARGEST + 3 * STEP {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let (first, second) = bytes.split_at(len / 3);
            let buffer = joined(&[first, second]);
            assert_eq!(buffer, bytes);
            assert_eq!(buffer.clone().slice(len / 2..), bytes[len / 2..]);
        }
    }
}
