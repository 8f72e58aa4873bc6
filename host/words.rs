//! Numbers and times in words, for people.

/// `81.5%`, or a dash.
pub(crate) fn percent(ratio: Option<f64>) -> String {
    or_dash(ratio.map(|ratio| format!("{:.1}%", ratio * 100.0)))
}

/// `81%`, for an axis.
pub(crate) fn whole_percent(ratio: f64) -> String {
    format!("{}%", short(ratio * 100.0))
}

/// `12.5 MiB`.
pub(crate) fn bytes(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().iec().to_string()
}

/// A rate with three digits, or a dash: `0.25`, `12.5`, `1.25k`.
pub(crate) fn rate(per_second: Option<f64>) -> String {
    or_dash(per_second.map(short))
}

/// A number with about three digits.
pub(crate) fn short(number: f64) -> String {
    let steps = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    let step = steps.into_iter().find(|(size, _)| number.abs() >= *size);
    let (scaled, unit) = step.map_or((number, ""), |(size, unit)| (number / size, unit));
    let decimals = match scaled.abs() {
        small if small < 9.995 => 2,
        middle if middle < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{scaled:.decimals$}");
    let digits = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    // A true minus is as wide as a digit.
    format!("{}{unit}", digits.replace('-', "−"))
}

/// `40 s`, `12 min` or `3 h`.
pub(crate) fn time(ms: u64) -> String {
    match ms / 1_000 {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7_200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_about_three_digits() {
        for (number, text) in [
            (0.0, "0"),
            (0.256, "0.26"),
            (9.996, "10"),
            (12.34, "12.3"),
            (99.96, "100"),
            (1_234.0, "1.23k"),
            (5e9, "5G"),
            (-20.0, "−20"),
        ] {
            assert_eq!(short(number), text);
        }
        assert_eq!(percent(None), "–");
        assert_eq!([time(59_999), time(120_000), time(200_000_000)], ["59 s", "2 min", "2 days"]);
    }
}
