//! Values as the bytes to cache.

use mysql_async::Value;
use mysql_async::consts::ColumnType;

/// Strings and blobs as they are, all else as the server would print it; `None` for NULL.
pub(crate) fn of(value: Value, kind: ColumnType) -> Option<Vec<u8>> {
    Some(match value {
        Value::NULL => return None,
        Value::Bytes(bytes) => bytes,
        Value::Int(number) => number.to_string().into_bytes(),
        Value::UInt(number) => number.to_string().into_bytes(),
        Value::Float(number) => number.to_string().into_bytes(),
        Value::Double(number) => number.to_string().into_bytes(),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            match kind {
                ColumnType::MYSQL_TYPE_DATE => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}{}", fraction(micros)),
            }
            .into_bytes()
        }
        Value::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if negative { "-" } else { "" };
            let hours = days * 24 + u32::from(hours);
            let fraction = fraction(micros);
            format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}").into_bytes()
        }
    })
}

fn fraction(micros: u32) -> String {
    match micros {
        0 => String::new(),
        _ => format!(".{micros:06}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_what_the_server_would() {
        let text =
            |value, kind| of(value, kind).map(|bytes| String::from_utf8(bytes).expect("text"));
        let any = ColumnType::MYSQL_TYPE_DATETIME;
        let rows = [
            (Value::Int(-630), any, Some("-630")),
            (Value::UInt(u64::MAX), any, Some("18446744073709551615")),
            (Value::Double(0.1), any, Some("0.1")),
            (Value::Float(0.1), any, Some("0.1")),
            (Value::Bytes(b"x".to_vec()), any, Some("x")),
            (Value::Date(2024, 2, 3, 0, 0, 0, 0), ColumnType::MYSQL_TYPE_DATE, Some("2024-02-03")),
            (Value::Date(2024, 2, 3, 0, 0, 0, 0), any, Some("2024-02-03 00:00:00")),
            (Value::Date(2024, 2, 3, 4, 5, 6, 7), any, Some("2024-02-03 04:05:06.000007")),
            (Value::Time(true, 1, 2, 3, 4, 0), any, Some("-26:03:04")),
            (Value::NULL, any, None),
        ];
        for (value, kind, expected) in rows {
            assert_eq!(text(value, kind).as_deref(), expected);
        }
    }
}
