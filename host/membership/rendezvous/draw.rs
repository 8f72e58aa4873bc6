//! One weighted rendezvous: which of the contenders wins a slot.

/// A node that competes for slots.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contender {
    /// Its place in the ring's list of nodes; the lower one wins a draw.
    pub(super) index: u16,
    /// The hash of its address.
    pub(super) seed: u64,
    pub(super) weight: f64,
}

/// The winner of `slot` among `challengers` and `holder`.
///
/// The least of exponential variables with the weights as rates is each one's
/// with a probability that is its weight's share, whoever else takes part: that
/// is what makes movement minimal.
pub(super) fn winner(slot: usize, holder: Option<&Contender>, challengers: &[Contender]) -> u16 {
    let slot_hash = mix(slot as u64 ^ 0x9E37_79B9_7F4A_7C15);
    let (mut index, mut draw, mut weight) = match holder {
        Some(holder) => (holder.index, uniform(mix(slot_hash ^ holder.seed)), holder.weight),
        None => (u16::MAX, 0.0, 1.0),
    };
    for challenger in challengers {
        let challenge = uniform(mix(slot_hash ^ challenger.seed));
        // 1 - x <= -ln x <= (1 - x) / x: nearly all races are decided without a
        // logarithm, with room for rounding so that a close one never is.
        let surely_behind =
            (1.0 - challenge) * draw * weight > (1.0 - draw) * challenger.weight * 1.000_001;
        if surely_behind {
            continue;
        }
        let result = (arrival(challenge, challenger.weight), challenger.index);
        if result < (arrival(draw, weight), index) {
            (index, draw, weight) = (challenger.index, challenge, challenger.weight);
        }
    }
    index
}

/// The exponential variable of a draw; infinite for 0, that is without a holder.
fn arrival(draw: f64, weight: f64) -> f64 {
    if draw == 0.0 { f64::INFINITY } else { -ln(draw) / weight }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

/// A number in (0, 1) of 52 bits.
fn uniform(hash: u64) -> f64 {
    ((hash >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
}

/// The natural logarithm of a positive normal number to about nine digits, from
/// operations that IEEE 754 rounds in one way only: nodes on different machines
/// must agree to the last bit, and the platforms' `ln` do not.
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let mut exponent = (bits >> 52) as i32 - 1023;
    let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
    if mantissa > std::f64::consts::SQRT_2 {
        mantissa /= 2.0;
        exponent += 1;
    }
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let s2 = s * s;
    let series = 1.0 + s2 * (1.0 / 3.0 + s2 * (1.0 / 5.0 + s2 * (1.0 / 7.0 + s2 * (1.0 / 9.0))));
    f64::from(exponent) * std::f64::consts::LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_one() {
        for x in [1e-16, 1e-9, 0.1, 0.5, 0.7, 0.71, 0.9, 0.999_999, 1.0 - 1e-15] {
            let error = (ln(x) / x.ln() - 1.0).abs();
            assert!(error <= 2e-9, "ln({x}) is off by {error}");
        }
    }

    #[test]
    fn an_even_race_goes_to_the_lower_index() {
        let twin = |index| Contender { index, seed: 7, weight: 1.0 };
        for slot in 0..100 {
            assert_eq!(winner(slot, None, &[twin(1), twin(0), twin(2)]), 0);
            assert_eq!(winner(slot, Some(&twin(2)), &[twin(1)]), 1);
        }
    }
}
