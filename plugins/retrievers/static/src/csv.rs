//! CSV of two columns, `key,value`, quoted as RFC 4180 says.

use std::collections::HashMap;
use std::iter::Peekable;
use std::str::Chars;

/// Reads the rows below the header. A problem names the line.
pub(crate) fn read(data: &str) -> Result<HashMap<String, String>, String> {
    let mut reader = Reader { rest: data.chars().peekable(), line: 1 };
    match reader.record()? {
        Some((_, fields)) if fields.iter().map(|field| field.trim()).eq(["key", "value"]) => {}
        _ => return Err("line 1: the header must be `key,value` (or give a JSON object)".into()),
    }
    let mut values = HashMap::new();
    while let Some((line, fields)) = reader.record()? {
        let Ok([key, value]) = <[String; 2]>::try_from(fields) else {
            return Err(format!(
                "line {line}: a row is `key,value`; quote a field with a comma in it"
            ));
        };
        if key.is_empty() {
            return Err(format!("line {line}: the key is empty"));
        }
        if values.insert(key.clone(), value).is_some() {
            return Err(format!("line {line}: `{key}` stands there twice"));
        }
    }
    Ok(values)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: u32,
}

impl Reader<'_> {
    /// The next record that is no empty line, and the line it begins in.
    fn record(&mut self) -> Result<Option<(u32, Vec<String>)>, String> {
        while self.rest.next_if(|c| matches!(c, '\n' | '\r')).is_some_and(|c| self.count(c)) {}
        if self.rest.peek().is_none() {
            return Ok(None);
        }
        let (line, mut fields) = (self.line, Vec::new());
        loop {
            fields.push(self.field()?);
            match self.rest.next() {
                Some(',') => {}
                Some(end) => {
                    self.count(end);
                    return Ok(Some((line, fields)));
                }
                None => return Ok(Some((line, fields))),
            }
        }
    }

    fn count(&mut self, c: char) -> bool {
        self.line += u32::from(c == '\n');
        true
    }

    /// Up to the comma or line end that follows it.
    fn field(&mut self) -> Result<String, String> {
        let mut field = String::new();
        if self.rest.next_if_eq(&'"').is_none() {
            while let Some(c) = self.rest.next_if(|c| !matches!(c, ',' | '\n')) {
                field.push(c);
            }
            if self.rest.peek() != Some(&',') && field.ends_with('\r') {
                field.pop();
            }
            return Ok(field);
        }
        let opened = self.line;
        loop {
            match self.rest.next() {
                None => return Err(format!("line {opened}: a quote is never closed")),
                Some('"') if self.rest.next_if_eq(&'"').is_some() => field.push('"'),
                Some('"') => break,
                Some(c) => {
                    self.count(c);
                    field.push(c);
                }
            }
        }
        self.rest.next_if_eq(&'\r');
        match self.rest.peek() {
            None | Some(',' | '\n') => Ok(field),
            Some(_) => Err(format!("line {}: text after a closing quote", self.line)),
        }
    }
}
