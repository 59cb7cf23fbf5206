//! The JSON of a policy, from a file. A field that stands twice is refused where it stands: of two effects one would be lost.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::error::Error;

/// The most bytes of a policy.
const MOST: u64 = 32_768;

/// Reads a policy.
///
/// # Errors
/// What is wrong with the file, and in which line and column.
pub(super) fn read(path: &Path) -> Result<Value, Error> {
    let refused = |why: String| Error::Source { file: path.display().to_string(), why };
    let mut text = String::new();
    let file = File::open(path).and_then(|file| file.take(MOST + 1).read_to_string(&mut text));
    file.map_err(|error| refused(error.to_string()))?;
    if text.len() as u64 > MOST {
        return Err(refused(format!("a policy has at most {MOST} bytes")));
    }
    match serde_json::from_str::<Once>(&text) {
        Ok(Once(value @ Value::Object(_))) => Ok(value),
        Ok(_) => Err(refused(
            "a policy is a JSON object, such as {\"Version\": \"1.1\", \"Statement\": […]}".into(),
        )),
        Err(error) if error.is_data() => Err(refused(error.to_string())),
        Err(error) => Err(refused(format!("this is not JSON: {error}"))),
    }
}

/// A value none of whose objects has a field twice.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Once(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = from.next_key::<String>()? {
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} stands twice")));
            }
            let Once(value) = from.next_value()?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        std::fs::write(&path, text).unwrap();
        read(&path).unwrap_err().to_string()
    }

    #[test]
    fn a_policy_is_read_as_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.json");
        let text = r#"{"Version": "1.1", "Statement": [{"Effect": "Deny", "x": [1, -2, 1.5, true, null]}]}"#;
        std::fs::write(&path, text).unwrap();
        assert_eq!(read(&path).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        assert!(refused("{\"Version\": \"1.1\",\n \"Statement\": [}").contains("line 2 column 16"));
        let twice = refused("{\"Statement\": [{\"Effect\": \"Deny\",\n \"Effect\": \"Allow\"}]}");
        assert!(twice.contains("\"Effect\" stands twice at line 2"), "{twice}");
        assert!(refused("[]").contains("is a JSON object"));
        assert!(refused(&" ".repeat(32_769)).contains("at most 32768 bytes"));
        assert!(refused(&"[".repeat(10_000)).contains("recursion limit"));
        assert!(
            read(Path::new("/nowhere/policy.json")).unwrap_err().to_string().contains("/nowhere/policy.json")
        );
    }
}
