//! A SoftHSM2 token directory: its files read, opened with a PIN, and translated object by object.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use softhsm::{Attribute, Opened, Stored, Token, Value, Who};
use wire::admin::import::{Arrival, History, MAX_PUBLIC};
use wire::template::{AttributeType, Leaf};
use wire::{Bytes, List, Template};

use super::number::{attribute, class, class_name, key_type, key_type_name};
use super::{Draft, Thing, file, hex};
use crate::error::Error;

/// The file of the token itself.
const TOKEN: &str = "token.object";
/// The file of SoftHSM2's other kind of store.
const DATABASE: &str = "sqlite3.db";
/// The most objects that a token may have here.
const MOST: usize = 1 << 20;

/// A token directory.
#[derive(Debug)]
pub(crate) struct Source {
    folder: PathBuf,
    pub(crate) token: Token,
}

/// An object's attributes, in the clear.
type Attributes = BTreeMap<Attribute, Value>;

impl Source {
    /// Finds the token in a folder: the folder itself, or the one token in it, or the one of this label or serial
    /// number.
    pub(crate) fn find(folder: &Path, wanted: Option<&str>) -> Result<Self, Error> {
        let refuse = |why: String| Err(Error::Source { file: folder.display().to_string(), why });
        let mut found = tokens(folder)?;
        if let Some(wanted) = wanted {
            found.retain(|(_, token)| token.label == wanted || token.serial == wanted);
        }
        let names: Vec<_> =
            found.iter().map(|(_, token)| format!("{:?} ({})", token.label, token.serial)).collect();
        match (found.pop(), names.len()) {
            (Some((folder, token)), 1) => Ok(Self { folder, token }),
            (None, _) => refuse(match wanted {
                Some(wanted) => format!("there is no token {wanted:?} in it"),
                None => {
                    "there is no token of SoftHSM2 in it: no token.object, here or one folder below".into()
                }
            }),
            (Some(_), _) => {
                refuse(format!("it holds several tokens: name one with --token: {}", names.join(", ")))
            }
        }
    }

    /// Opens the token and reads every object in it.
    pub(crate) fn read(&self, who: Who, pin: &[u8]) -> Result<Vec<Thing>, Error> {
        let refuse = |why: String| Error::Source { file: self.folder.display().to_string(), why };
        let opened = self.token.open(who, pin).map_err(|error| refuse(error.to_string()))?;
        let mut objects = Vec::new();
        for path in object_files(&self.folder)? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            objects.push((name, object(&opened, &path)));
        }
        let publics: Vec<_> =
            objects.iter().filter_map(|(_, object)| public(object.as_ref().ok()?)).collect();
        let damaged = objects.iter().any(|(_, object)| object.is_err());
        let mut things: Vec<_> = objects
            .iter()
            .map(|(name, object)| match object {
                Ok(attributes) => thing(name, attributes, &publics, damaged),
                Err(why) => Thing::unreadable(name.clone(), why.clone()),
            })
            .collect();
        things.sort_by(|one, other| (&one.name, &one.class).cmp(&(&other.name, &other.class)));
        Ok(things)
    }
}

/// The tokens in a folder, or the one that it is.
fn tokens(folder: &Path) -> Result<Vec<(PathBuf, Token)>, Error> {
    let refuse =
        |folder: &Path, why: &str| Error::Source { file: folder.display().to_string(), why: why.into() };
    let at = |folder: &Path| {
        if folder.join(DATABASE).exists() {
            return Err(refuse(
                folder,
                "its objects are in a database (objectstore.backend = db), which is not read: SoftHSM2's other \
                 store, of files, is",
            ));
        }
        let path = folder.join(TOKEN);
        if !path.exists() {
            return Ok(None);
        }
        let token = Token::read(&file::read(&path)?).map_err(|error| refuse(&path, &error.to_string()))?;
        Ok(Some((folder.to_owned(), token)))
    };
    if let Some(one) = at(folder)? {
        return Ok(vec![one]);
    }
    let mut found = Vec::new();
    for below in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        found.extend(at(&below)?);
    }
    Ok(found)
}

/// The files of a token's objects, in the order of their names.
fn object_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let is_object = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "object") && !path.ends_with(TOKEN)
    };
    let files: Vec<_> = entries(folder)?.into_iter().filter(is_object).collect();
    if files.len() > MOST {
        let why = format!("it holds {} objects, and at most {MOST} are read", files.len());
        return Err(Error::Source { file: folder.display().to_string(), why });
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        let mut paths =
            fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort_unstable();
        Ok(paths)
    };
    list().map_err(|cause| Error::File { path: folder.to_owned(), why: cause.to_string() })
}

fn object(opened: &Opened, path: &Path) -> Result<Attributes, String> {
    let bytes = file::whole(path).map_err(|error| error.to_string())?;
    let stored = Stored::read(&bytes).map_err(|error| error.to_string())?;
    opened.object(stored).map_err(|error| error.to_string())
}

fn number(attributes: &Attributes, kind: u64) -> Option<u64> {
    match attributes.get(&Attribute(kind)) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

fn flag(attributes: &Attributes, kind: u64) -> bool {
    matches!(attributes.get(&Attribute(kind)), Some(Value::Flag(true)))
}

fn bytes(attributes: &Attributes, kind: u64) -> &[u8] {
    match attributes.get(&Attribute(kind)) {
        Some(Value::Bytes(bytes)) => bytes.as_bytes(),
        _ => &[],
    }
}

/// A public key of the source: to which private keys it may belong, and what it is.
struct Public {
    id: Vec<u8>,
    key_type: u64,
    template: Template,
}

fn public(attributes: &Attributes) -> Option<Public> {
    if number(attributes, attribute::CLASS) != Some(class::PUBLIC_KEY) {
        return None;
    }
    let (id, key_type) =
        (bytes(attributes, attribute::ID).to_vec(), number(attributes, attribute::KEY_TYPE)?);
    let mut draft = Draft::default();
    draft.number(attribute::CLASS, class::PUBLIC_KEY);
    draft.number(attribute::KEY_TYPE, key_type);
    for part in [attribute::MODULUS, attribute::PUBLIC_EXPONENT, attribute::EC_PARAMS, attribute::EC_POINT] {
        let value = bytes(attributes, part);
        if !value.is_empty() {
            draft.bytes(part, value);
        }
    }
    Some(Public { id, key_type, template: draft.finish().ok()? })
}

/// An object, of a token of which `damaged` says that some of its files cannot be read.
fn thing(file: &str, attributes: &Attributes, publics: &[Public], damaged: bool) -> Thing {
    let label = String::from_utf8_lossy(bytes(attributes, attribute::LABEL)).into_owned();
    let mut notes = Vec::new();
    let arrival = translate(attributes, publics, damaged, &mut notes);
    Thing {
        name: if label.is_empty() { file.to_owned() } else { label },
        class: number(attributes, attribute::CLASS).map(class_name).unwrap_or_default(),
        kind: number(attributes, attribute::KEY_TYPE).map(key_type_name).unwrap_or_default(),
        id: hex(bytes(attributes, attribute::ID)),
        arrival,
        notes,
    }
}

/// What stands in the history, is worked out anew, or has no meaning any more: not in the template.
const NOT_GIVEN: [u64; 12] = [
    attribute::UNIQUE_ID,
    attribute::CHECK_VALUE,
    attribute::LOCAL,
    attribute::KEY_GEN_MECHANISM,
    attribute::ALWAYS_SENSITIVE,
    attribute::NEVER_EXTRACTABLE,
    attribute::MODULUS_BITS,
    attribute::PRIME_BITS,
    attribute::VALUE_LEN,
    attribute::TRUSTED,
    attribute::SECONDARY_AUTH,
    attribute::AUTH_PIN_FLAGS,
];

fn translate(
    attributes: &Attributes,
    publics: &[Public],
    damaged: bool,
    notes: &mut Vec<String>,
) -> Result<Box<Arrival>, String> {
    if !flag(attributes, attribute::TOKEN) {
        return Err("CKA_TOKEN is false: SoftHSM2 left it over from a call that failed".into());
    }
    let mut draft = Draft::default();
    for (Attribute(kind), value) in attributes.iter().filter(|(kind, _)| !NOT_GIVEN.contains(&kind.0)) {
        match value {
            Value::Flag(flag) => draft.flag(*kind, *flag),
            Value::Number(number) => draft.number(*kind, *number),
            Value::Bytes(bytes) if bytes.is_empty() => {}
            Value::Bytes(bytes) => draft.bytes(*kind, bytes.as_bytes()),
            Value::Mechanisms(list) if list.is_empty() => {}
            Value::Mechanisms(list) => draft.bytes(*kind, &flat(list)),
            Value::Map(map) if map.is_empty() => {}
            Value::Map(map) => draft.template(*kind, leaves(map)?)?,
        }
    }
    if flag(attributes, attribute::TRUSTED) {
        notes.push("CKA_TRUSTED is not taken over: the security officer gives it here".into());
    }
    let this = number(attributes, attribute::CLASS);
    if matches!(this, Some(class::PUBLIC_KEY | class::PRIVATE_KEY | class::SECRET_KEY))
        && !attributes.contains_key(&Attribute::ALLOWED_MECHANISMS)
    {
        notes.push("the file has no CKA_ALLOWED_MECHANISMS: SoftHSM2 before 2.4 wrote none".into());
    }
    let public = publics_of(attributes, publics);
    let check_value = Some(bytes(attributes, attribute::CHECK_VALUE)).filter(|value| !value.is_empty());
    if this == Some(class::SECRET_KEY) && check_value.is_none() {
        notes.push("the source has no check value to compare with".into());
    }
    if this == Some(class::PRIVATE_KEY) && public.is_empty() {
        // An RSA key has its modulus with it. Of others nothing but the public key tells whether it was altered.
        if damaged && number(attributes, attribute::KEY_TYPE) != Some(key_type::RSA) {
            return Err(
                "its public key is not there to compare with, and other files of the token are damaged"
                    .into(),
            );
        }
        notes.push("the source has no public key to compare with".into());
    }
    Ok(Box::new(Arrival {
        template: draft.finish()?,
        history: Some(history(attributes)),
        check_value: check_value.map(Bytes::from),
        public,
    }))
}

fn history(attributes: &Attributes) -> History {
    History {
        local: flag(attributes, attribute::LOCAL),
        key_gen_mechanism: number(attributes, attribute::KEY_GEN_MECHANISM),
        always_sensitive: flag(attributes, attribute::ALWAYS_SENSITIVE),
        never_extractable: flag(attributes, attribute::NEVER_EXTRACTABLE),
    }
}

/// The public keys that a private key may belong to: those with its id and type.
fn publics_of(attributes: &Attributes, publics: &[Public]) -> List<Template, MAX_PUBLIC> {
    let mut fit = Vec::new();
    let (id, key_type) = (bytes(attributes, attribute::ID), number(attributes, attribute::KEY_TYPE));
    if number(attributes, attribute::CLASS) == Some(class::PRIVATE_KEY) && !id.is_empty() {
        let own = publics.iter().filter(|public| public.id == id && Some(public.key_type) == key_type);
        fit.extend(own.take(MAX_PUBLIC).map(|public| public.template.clone()));
    }
    List::new(fit).unwrap_or_default()
}

fn flat(list: &[u64]) -> Vec<u8> {
    list.iter().flat_map(|mechanism| mechanism.to_le_bytes()).collect()
}

fn leaves(map: &BTreeMap<Attribute, Value>) -> Result<Vec<Leaf>, String> {
    map.iter()
        .map(|(Attribute(kind), value)| {
            let value = match value {
                Value::Flag(flag) => vec![u8::from(*flag)],
                Value::Number(number) => number.to_le_bytes().to_vec(),
                Value::Bytes(bytes) => bytes.as_bytes().to_vec(),
                Value::Mechanisms(list) => flat(list),
                Value::Map(_) => return Err("a template in it holds a template".to_owned()),
            };
            Ok(Leaf { kind: AttributeType(*kind), value: Bytes::from(value) })
        })
        .collect()
}
