//! Tables of separated values, whose columns may tell operation, size and times.

use anyhow::{Context, Result, anyhow, bail};
use csv_core::ReadRecordResult;

use super::super::request::Kind;
use super::columns::{Column, Columns, Field};
use super::lines::Lines;
use super::reader::Reader;
use super::record::Record;
use super::text;
use super::unpack::Input;

/// More columns than any table of requests has.
const MOST_COLUMNS: usize = 256;

/// The requests of a table.
pub(super) struct Table {
    lines: Lines,
    row: Row,
    /// The fields that are used, and the place of each, from 0 on.
    places: Vec<(Field, usize)>,
    /// The first line is a request, and is the next to be read.
    is_first_pending: bool,
}

impl Table {
    /// Reads the headings, if there are any.
    pub(super) fn open(input: Input, columns: &Columns) -> Result<Self> {
        let mut lines = Lines::new(input);
        let first = lines.next()?.unwrap_or_default();
        let mut row = Row::new(separator(first));
        row.read(first).context("line 1")?;
        let headings: Vec<String> = row.fields().map(as_text).collect();
        let places = places(columns, &headings)?;
        let mut table = Self { lines, row, places, is_first_pending: false };
        let is_by_heading =
            columns.0.iter().any(|(_, column)| matches!(column, Column::Heading(_)));
        table.is_first_pending = !headings.is_empty()
            && !is_by_heading
            && !columns.0.is_empty()
            && !table.has_headings();
        Ok(table)
    }

    /// Whether the first line can be no request: it names a column, or has no number where one
    /// is wanted.
    fn has_headings(&self) -> bool {
        self.places.iter().any(|(field, place)| {
            let text = as_text(self.row.field(*place).unwrap_or_default());
            match field {
                Field::Key => Field::named(&text) == Some(Field::Key),
                Field::Operation => kind(text.as_bytes()).is_err(),
                _ => text.trim().parse::<f64>().is_err(),
            }
        })
    }

    /// Whether a column has this field, in whatever unit.
    pub(super) fn has(&self, is_it: impl Fn(Field) -> bool) -> bool {
        self.places.iter().any(|(field, _)| is_it(*field))
    }

    fn record(&self) -> Result<Record<'_>> {
        let mut record = Record::get(text::key(b"-")?);
        for (field, place) in &self.places {
            let value = self.row.field(*place).with_context(|| {
                format!("there is no column {}, only {}", place + 1, self.row.columns)
            })?;
            let value = value.trim_ascii();
            match *field {
                Field::Key => record.key = text::key(value)?,
                Field::Size => record.size = text::size(value)?,
                Field::Operation => record.kind = kind(value)?,
                Field::Time(unit) => record.at_ms = scaled(value, 1e3 / f64::from(unit))? as u64,
                // A time that is too long is none.
                Field::Ttl(unit) => match scaled(value, 1e3 / f64::from(unit))? {
                    ms if ms > f64::from(u32::MAX) => {}
                    ms => record.ttl_ms = ms.ceil() as u32,
                },
                Field::Load(unit) => {
                    record.load_us = scaled(value, 1e6 / f64::from(unit))? as u32;
                }
            }
        }
        Ok(record)
    }
}

impl Reader for Table {
    fn next(&mut self) -> Result<Option<Record<'_>>> {
        if !std::mem::take(&mut self.is_first_pending) {
            let Some(line) = self.lines.next()? else { return Ok(None) };
            self.row.read(line)?;
        }
        self.record().map(Some)
    }

    fn place(&self) -> String {
        format!("line {}", self.lines.number())
    }
}

/// Where the fields stand, by the headings that the first line has or may have.
fn places(columns: &Columns, headings: &[String]) -> Result<Vec<(Field, usize)>> {
    let find = |wanted: &str| headings.iter().position(|heading| heading.trim() == wanted);
    let mut places: Vec<(Field, usize)> = Vec::new();
    for (field, column) in &columns.0 {
        places.push((
            *field,
            match column {
                Column::Place(place) => place - 1,
                Column::Heading(heading) => find(heading).ok_or_else(|| {
                    anyhow!(
                        "there is no column {heading:?}; the first line is {:?}",
                        headings.join(",")
                    )
                })?,
            },
        ));
    }
    if columns.0.is_empty() {
        for (place, heading) in headings.iter().enumerate() {
            if let Some(field) = Field::named(heading)
                && !places.iter().any(|(other, _)| {
                    std::mem::discriminant(other) == std::mem::discriminant(&field)
                })
            {
                places.push((field, place));
            }
        }
        if !places.iter().any(|(field, _)| *field == Field::Key) {
            bail!(
                "no column of the first line is called key: {:?}; say which it is, such as \
                 --format csv:key=2",
                headings.join(",")
            );
        }
    }
    Ok(places)
}

/// What stands between the columns of a line.
pub(super) fn separator(line: &[u8]) -> u8 {
    let count = |byte: &u8| line.iter().filter(|other| *other == byte).count();
    // A comma if others are as frequent.
    [b';', b'\t', b','].into_iter().max_by_key(count).unwrap_or(b',')
}

/// What an operation of a cache does.
pub(super) fn kind(text: &[u8]) -> Result<Kind> {
    match text.trim_ascii().to_ascii_lowercase().as_slice() {
        b"get" | b"gets" | b"read" => Ok(Kind::Get),
        b"set" | b"add" | b"replace" | b"cas" | b"append" | b"prepend" | b"incr" | b"decr"
        | b"put" | b"write" => Ok(Kind::Set),
        b"delete" | b"del" | b"remove" => Ok(Kind::Remove),
        _ => bail!("{:?} is no operation; known are get, set and delete", as_text(text)),
    }
}

/// A number that is not negative, times a factor. An empty one is 0.
fn scaled(text: &[u8], factor: f64) -> Result<f64> {
    if text.is_empty() {
        return Ok(0.0);
    }
    let number = as_text(text).parse::<f64>().ok().filter(|number| *number >= 0.0);
    let number = number.filter(|number| number.is_finite());
    number.map(|number| number * factor).with_context(|| {
        format!("{:?} is no time: a number that is not negative is wanted", as_text(text))
    })
}

fn as_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The fields of one line.
struct Row {
    parser: csv_core::Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
    columns: usize,
}

impl Row {
    fn new(separator: u8) -> Self {
        let parser = csv_core::ReaderBuilder::new().delimiter(separator).build();
        Self { parser, text: Vec::new(), ends: vec![0; MOST_COLUMNS], columns: 0 }
    }

    fn read(&mut self, line: &[u8]) -> Result<()> {
        self.text.resize(line.len(), 0);
        self.parser.reset();
        let (_, _, written, ended) = self.parser.read_record(line, &mut self.text, &mut self.ends);
        let (rest, ends) = (&mut self.text[written..], &mut self.ends[ended..]);
        // The line break belongs to the last field only if it stands in quotes.
        let (result, _, _, last) = self.parser.read_record(b"\n", rest, ends);
        match result {
            ReadRecordResult::Record => self.columns = ended + last,
            ReadRecordResult::OutputEndsFull => {
                bail!("a table has at most {MOST_COLUMNS} columns")
            }
            _ if line.is_empty() => self.columns = 0,
            _ => bail!("a quotation mark is not closed"),
        }
        Ok(())
    }

    fn field(&self, place: usize) -> Option<&[u8]> {
        let end = *self.ends[..self.columns].get(place)?;
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        self.text.get(start..end)
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.columns).map_while(|place| self.field(place))
    }
}
