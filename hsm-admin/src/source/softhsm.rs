//! A SoftHSM2 token directory: its files read, opened with a PIN, and translated object by object.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use softhsm::{Attribute, Opened, Stored, Token, Who};
use wire::admin::import::Arrival;

use super::number::{attribute, class};
use super::object::{self, Attributes, Public};
use super::{Thing, file};
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
            objects.push((name, read(&opened, &path)));
        }
        let publics: Vec<_> =
            objects.iter().filter_map(|(_, object)| object::public(object.as_ref().ok()?)).collect();
        let damaged = objects.iter().any(|(_, object)| object.is_err());
        let mut things: Vec<_> = objects
            .iter()
            .map(|(name, object)| match object {
                Ok(attributes) => {
                    object::thing(name, attributes, |notes| translate(attributes, &publics, damaged, notes))
                }
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

fn read(opened: &Opened, path: &Path) -> Result<Attributes, String> {
    let bytes = file::whole(path).map_err(|error| error.to_string())?;
    let stored = Stored::read(&bytes).map_err(|error| error.to_string())?;
    opened.object(stored).map_err(|error| error.to_string())
}

/// An object, of a token of which `damaged` says that some of its files cannot be read.
fn translate(
    attributes: &Attributes,
    publics: &[Public],
    damaged: bool,
    notes: &mut Vec<String>,
) -> Result<Box<Arrival>, String> {
    if !object::flag(attributes, attribute::TOKEN) {
        return Err("CKA_TOKEN is false: SoftHSM2 left it over from a call that failed".into());
    }
    let this = object::number(attributes, attribute::CLASS);
    if matches!(this, Some(class::PUBLIC_KEY | class::PRIVATE_KEY | class::SECRET_KEY))
        && !attributes.contains_key(&Attribute::ALLOWED_MECHANISMS)
    {
        notes.push("the file has no CKA_ALLOWED_MECHANISMS: SoftHSM2 before 2.4 wrote none".into());
    }
    object::translate(attributes, publics, damaged, notes)
}
