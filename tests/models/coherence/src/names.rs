//! Addresses, registrations at them, and sets of addresses as bits.

/// How many addresses there are. Address 0 comes first in the key's order [A4].
pub(crate) const N: usize = if cfg!(feature = "four") { 4 } else { 3 };

/// A registration for each address; 0: none. A name stands for etcd's cluster id and the
/// entry's create revision (rule 1): no two registrations at an address have the same.
pub(crate) type Names = [u8; N];

pub(crate) fn bit(at: usize) -> u8 {
    1 << at
}

/// The addresses that have a registration.
pub(crate) fn members(view: &Names) -> u8 {
    (0..N).filter(|at| view[*at] != 0).fold(0, |all, at| all | bit(at))
}

/// The owner among `ring`. `swapped`: the first two addresses have changed places [flaw].
pub(crate) fn first_of(ring: u8, swapped: bool) -> Option<usize> {
    let place = |nth: usize| if swapped && nth < 2 { 1 - nth } else { nth };
    (0..N).map(place).find(|at| ring & bit(*at) != 0)
}
