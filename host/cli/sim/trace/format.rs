//! The formats of traces, as `--format` names them and as they are recognised.

use std::str::FromStr;

use anyhow::{Result, bail};

use super::binary::Layout;
use super::columns::{Columns, Field};
use super::{recording, table, text};

/// How a trace is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) enum Format {
    /// A key a line.
    Keys,
    /// A key and a size a line.
    Sized,
    /// A line of a table.
    Table(Columns),
    /// ARC's traces of blocks.
    Blocks,
    /// Records of a fixed length.
    Binary(Layout),
    /// What `psycache record` wrote.
    Recording,
}

impl Format {
    /// Whether the format is certain from this beginning: it is named there, or each line is one
    /// word.
    pub(super) fn is_sure(&self, beginning: &[u8]) -> bool {
        let has_parts = || beginning.iter().any(|byte| b",;|\t {\"".contains(byte));
        matches!(self, Self::Recording) || (*self == Self::Keys && !has_parts())
    }

    /// Its name, with what a request is.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Keys => "keys (each line is one)",
            Self::Sized => "sized (a line is a key and a size)",
            Self::Table(columns) if *columns == Columns::twitter() => "twitter (a table)",
            Self::Table(_) => "csv (a table with the names of its columns)",
            Self::Blocks => "arc (a line is a range of blocks)",
            Self::Binary(Layout::OracleGeneral) => "oracleGeneral (binary)",
            Self::Binary(_) => "vscsi (binary)",
            Self::Recording => "recording",
        }
    }
}

/// What `--format` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli::sim) enum Asked {
    /// Whatever the first lines look like.
    Auto,
    /// `vscsi`, whose version the first records tell.
    Vscsi,
    Of(Format),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, columns) = match text.split_once(':') {
            Some((name, columns)) => (name, Some(columns)),
            None => (text, None),
        };
        Ok(match (name, columns) {
            ("csv", Some(columns)) => Self::Of(Format::Table(columns.parse()?)),
            ("csv", None) => Self::Of(Format::Table(Columns::default())),
            (_, Some(_)) => return Err("only csv takes columns, such as csv:key=2,size=3".into()),
            ("auto", None) => Self::Auto,
            ("keys", None) => Self::Of(Format::Keys),
            ("sized", None) => Self::Of(Format::Sized),
            ("twitter", None) => Self::Of(Format::Table(Columns::twitter())),
            ("arc", None) => Self::Of(Format::Blocks),
            ("oracleGeneral", None) => Self::Of(Format::Binary(Layout::OracleGeneral)),
            ("vscsi", None) => Self::Vscsi,
            ("recording", None) => Self::Of(Format::Recording),
            _ => {
                return Err("write auto, keys, sized, csv, csv:key=2,size=3, twitter, arc, \
                            oracleGeneral, vscsi or recording"
                    .into());
            }
        })
    }
}

impl Asked {
    /// The format of a trace that begins so.
    ///
    /// # Errors
    /// The format is unknown.
    pub(super) fn format(&self, beginning: &[u8]) -> Result<Format> {
        match self {
            Self::Of(format) => Ok(format.clone()),
            Self::Vscsi => match Layout::vscsi(beginning) {
                Some(layout) => Ok(Format::Binary(layout)),
                None => bail!("its first records are not those of vscsi, version 1 or 2"),
            },
            Self::Auto => recognised(beginning),
        }
    }
}

fn recognised(beginning: &[u8]) -> Result<Format> {
    if beginning.starts_with(recording::MAGIC) {
        return Ok(Format::Recording);
    }
    if !is_text(beginning) {
        return match Layout::of(beginning) {
            Some(layout) => Ok(Format::Binary(layout)),
            None => bail!(
                "it is neither text nor in a binary format that is known; unpack it, or say what \
                 it is with --format"
            ),
        };
    }
    // The last line may be cut.
    let whole = beginning.iter().rposition(|byte| *byte == b'\n').unwrap_or(beginning.len());
    let lines = beginning[..whole].split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let lines: Vec<&[u8]> = lines.filter(|line| !line.is_empty()).collect();
    let all = |holds: fn(&[u8]) -> bool| !lines.is_empty() && lines.iter().all(|line| holds(line));
    Ok(match lines.first() {
        Some(first) if has_headings(first) => Format::Table(Columns::default()),
        _ if all(is_of_twitter) => Format::Table(Columns::twitter()),
        _ if is_of_arc(&lines) => Format::Blocks,
        _ if all(is_sized) => Format::Sized,
        _ => Format::Keys,
    })
}

/// Whether it is UTF-8, but for a letter that is cut, without control characters.
fn is_text(beginning: &[u8]) -> bool {
    let cut = match std::str::from_utf8(beginning) {
        Ok(_) => None,
        Err(error) => error.error_len().map(|_| ()),
    };
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    cut.is_none() && !beginning.iter().any(is_control)
}

fn has_headings(line: &[u8]) -> bool {
    let separator = table::separator(line);
    let mut fields = line.split(|byte| *byte == separator);
    line.contains(&separator)
        && fields.any(|field| Field::named(&String::from_utf8_lossy(field)) == Some(Field::Key))
}

fn is_of_twitter(line: &[u8]) -> bool {
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b',').collect();
    fields.len() == 7 && table::kind(fields[5]).is_ok()
}

/// Four numbers, the last of which counts the lines.
fn is_of_arc(lines: &[&[u8]]) -> bool {
    let counts = lines.iter().map(|line| {
        let last = line.rsplit(u8::is_ascii_whitespace).next()?;
        text::blocks(line)?;
        std::str::from_utf8(last).ok()?.parse::<u64>().ok()
    });
    let counts: Option<Vec<u64>> = counts.collect();
    counts.is_some_and(|counts| {
        counts.len() > 1 && counts.windows(2).all(|pair| pair[1] == pair[0] + 1)
    })
}

fn is_sized(line: &[u8]) -> bool {
    let mut words = line.rsplit(u8::is_ascii_whitespace);
    words.next().is_some_and(|last| text::size(last).is_ok()) && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> Format {
        recognised(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_trace_is_recognised_by_its_first_lines() {
        assert_eq!(seen(""), Format::Keys);
        assert_eq!(seen("a\nb c\n"), Format::Keys);
        assert_eq!(seen("a 1\nb c 2\n"), Format::Sized);
        assert_eq!(seen("a,b\nc,d\n"), Format::Keys);
        assert_eq!(seen("time,key,size\n1,a,2\n"), Format::Table(Columns::default()));
        assert_eq!(seen("0,abc,3,10,1,get,0\n"), Format::Table(Columns::twitter()));
        assert_eq!(seen("10 4 0 1\n17 1 0 2\n"), Format::Blocks);
        assert_eq!(seen("10 4 0 1\n17 1 0 1\n"), Format::Sized);
        assert_eq!(seen("# psycache recording 1 one-in=1\n"), Format::Recording);
    }

    #[test]
    fn one_word_a_line_is_a_key_and_all_else_is_a_guess() {
        let is_sure = |text: &str| seen(text).is_sure(text.as_bytes());
        assert!(is_sure("a\nb\n") && is_sure("") && is_sure("# psycache recording 1 one-in=1\n"));
        for doubtful in ["a b\n", "a,b\n", "{\"key\": 1}\n", "a 1\n", "time,key\n1,a\n"] {
            assert!(!is_sure(doubtful), "{doubtful:?}");
        }
    }

    #[test]
    fn a_binary_file_is_never_read_as_text() {
        assert!(recognised(b"\x00\x01\x02").is_err());
        assert!(recognised(b"BZh9\x17rE").is_err());
        assert!(recognised(b"caf\xe9\n").is_err());
        // A letter that the end of the sample cuts.
        assert_eq!(recognised(b"a\ncaf\xc3").unwrap(), Format::Keys);
    }

    #[test]
    fn formats_are_named() {
        assert_eq!("oracleGeneral".parse(), Ok(Asked::Of(Format::Binary(Layout::OracleGeneral))));
        let refusal = "keys:key=1".parse::<Asked>().unwrap_err();
        assert!(refusal.contains("only csv takes columns"), "{refusal}");
        assert!("xml".parse::<Asked>().unwrap_err().contains("oracleGeneral"));
    }
}
