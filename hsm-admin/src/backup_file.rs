//! Backup files at the console: made under another name until they are whole, looked at, and opened by UKeys.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use backup::{CarriedShare, Header, Lock, Sealed, What};
use clap::Args;
use serde_json::{Value, json};
use tempfile::NamedTempFile;
use ukey::Holder;
use ukey::shares::Share;
use wire::admin::backup::{MAX_HOLDERS, With};
use wire::admin::people::hex;
use wire::{Bytes, List};

use crate::approval_file::moment;
use crate::error::Error;
use crate::screen::Bar;
use crate::secret::{self, Prompt, Source};
use crate::table::{Cell, facts};
use crate::ukey::{self as ukeys, Spec};

/// A file that is being made: beside its place, until it is whole.
pub(crate) struct Growing {
    file: NamedTempFile,
    path: PathBuf,
    /// What there is of the header, until it is whole.
    begin: Vec<u8>,
    len: Option<u64>,
    written: u64,
    bar: Bar,
}

impl Growing {
    /// Begins a file at a path where nothing may be. Only its owner may read it.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(refuse(path, "there is something there already, and it is not overwritten"));
        }
        let file = tempfile::Builder::new().prefix(".backup-").tempfile_in(folder(path));
        let file = file.map_err(|cause| refuse(path, format!("cannot make it: {cause}")))?;
        let (begin, bar) = (Vec::new(), Bar::default());
        Ok(Self { file, path: path.to_owned(), begin, len: None, written: 0, bar })
    }

    /// Puts the file, which is whole, in its place.
    pub(crate) fn keep(self) -> Result<(), Error> {
        let Self { file, path, bar, .. } = self;
        drop(bar);
        let failed = |cause: io::Error| refuse(&path, format!("cannot write it: {cause}"));
        file.as_file().sync_all().map_err(failed)?;
        file.persist_noclobber(&path).map_err(|error| failed(error.error))?;
        File::open(folder(&path)).and_then(|folder| folder.sync_all()).map_err(failed)
    }
}

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.file.write(bytes)?;
        self.written += len as u64;
        if self.len.is_none() && self.begin.len() < backup::MAX_HEADER as usize {
            self.begin.extend_from_slice(bytes.get(..len).unwrap_or_default());
            let sealed = Sealed::read(&self.begin[..]).ok();
            self.len = sealed.and_then(|sealed| sealed.header().file_len());
        }
        self.bar.show(self.written, self.len.unwrap_or(0));
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is whole by its own account.
pub(crate) struct Whole {
    pub(crate) header: Header,
    /// Its content hash.
    pub(crate) hash: [u8; 32],
    path: PathBuf,
}

impl Whole {
    /// Looks at a file: its header, and whether it is all there.
    pub(crate) fn at(path: &Path) -> Result<Self, Error> {
        let from = Counted::open(path)?;
        let looked = Sealed::read(from).and_then(Sealed::check_hash);
        let (header, hash) = looked.map_err(|error| refuse(path, error))?;
        Ok(Self { header, hash, path: path.to_owned() })
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Result<impl Read + use<>, Error> {
        Counted::open(&self.path)
    }

    /// Has whoever holds the keys to the file open it.
    pub(crate) fn open(&self, keys: &Keys) -> Result<With, Error> {
        match &self.header.lock {
            Lock::Domain { .. } => Ok(With::Domain),
            Lock::Passphrase { .. } => keys.passphrase.obtain(Prompt::Once).map(With::Passphrase),
            Lock::UKeys { threshold, .. } => {
                let shares = keys.shares(&self.header)?;
                let have = shares.len();
                if have < usize::from(*threshold) {
                    let with = self.header.lock.opens_with();
                    return Err(Error::Usage(format!(
                        "the file opens with {with}, and {have} were given: --holder names a UKey, --share a file from \
                         another machine"
                    )));
                }
                let shares = shares.iter().map(|share| Bytes::from(share.to_bytes().as_bytes())).collect();
                let shares: Option<List<_, MAX_HOLDERS>> = List::new(shares);
                shares
                    .map(With::Shares)
                    .ok_or_else(|| Error::Usage("these are more UKeys than there can be".into()))
            }
        }
    }

    /// What the file says of itself.
    pub(crate) fn value(&self) -> Value {
        let told = &self.header.facts;
        let policy = |code: u8| ["strict", "standard", "legacy"].get(usize::from(code)).copied();
        let partition = |one: &backup::Partition| {
            json!({
                "slot": one.slot, "label": one.label, "serial": one.serial, "policy": policy(one.policy),
                "objects": one.objects,
            })
        };
        let partitions: Vec<_> = told.partitions.iter().map(partition).collect();
        let opens = match &self.header.lock {
            Lock::Passphrase { .. } => json!({ "passphrase": true }),
            Lock::Domain { id, .. } => json!({ "domain": hex(id) }),
            Lock::UKeys { threshold, shares } => {
                let holders = shares
                    .iter()
                    .map(|share| json!({ "name": share.name, "id": hex(share.holder.as_bytes()) }));
                json!({ "threshold": threshold, "ukeys": holders.collect::<Vec<_>>() })
            }
        };
        json!({
            "id": self.header.id_text(), "holds": kind(told.what), "hsm": hex(&told.hsm), "made": told.made_at,
            "commit": told.commit, "bytes": self.header.file_len(), "hash": hex(&self.hash),
            "partitions": partitions, "own_records": told.own_records, "opens": opens,
        })
    }

    /// The same for people.
    pub(crate) fn people(&self) -> String {
        let told = &self.header.facts;
        let mut rows = vec![
            ("holds", Cell::from(told.what.name())),
            ("file", Cell::from(self.header.id_text())),
            ("made", Cell::from(moment(told.made_at))),
            ("by HSM", Cell::from(hex(&told.hsm))),
            ("at commit", Cell::from(told.commit)),
            ("opens with", Cell::from(self.header.lock.opens_with())),
        ];
        if let Lock::UKeys { shares, .. } = &self.header.lock {
            for share in shares {
                rows.push(("UKey", Cell::from(format!("{} {}", share.holder, share.name))));
            }
        }
        for one in &told.partitions {
            rows.push((
                "partition",
                Cell::from(format!(
                    "{} (slot {}, serial number {}, {} objects)",
                    one.label, one.slot, one.serial, one.objects
                )),
            ));
        }
        if told.what == What::Hsm {
            rows.push((
                "of the HSM",
                Cell::from(format!("{} records: people, quorum, settings", told.own_records)),
            ));
        }
        rows.push(("content hash", Cell::from(hex(&self.hash))));
        facts(rows)
    }
}

/// The name of what a file holds, for programs.
const fn kind(what: What) -> &'static str {
    match what {
        What::Partition => "partition",
        What::Hsm => "hsm",
        What::Keys => "keys",
        What::Domain => "cloning-domain",
    }
}

/// A file that is read with a bar.
struct Counted {
    file: BufReader<File>,
    len: u64,
    read: u64,
    bar: Bar,
}

impl Counted {
    fn open(path: &Path) -> Result<Self, Error> {
        let failed = |cause: io::Error| refuse(path, format!("cannot read it: {cause}"));
        let file = File::open(path).map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        Ok(Self { file: BufReader::new(file), len, read: 0, bar: Bar::default() })
    }
}

impl Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(to)?;
        self.read += len as u64;
        self.bar.show(self.read, self.len);
        Ok(len)
    }
}

/// Where a passphrase is.
#[derive(Debug, Args)]
pub(crate) struct PassphraseFrom {
    /// Read the file's passphrase from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// Read the file's passphrase from this file descriptor (its first line)
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    pub(crate) passphrase_fd: Option<u32>,
}

impl PassphraseFrom {
    pub(crate) fn is_given(&self) -> bool {
        self.passphrase_file.is_some() || self.passphrase_fd.is_some()
    }

    pub(crate) fn obtain(&self, prompt: Prompt) -> Result<Bytes, Error> {
        let source = Source::of(self.passphrase_file.as_deref(), self.passphrase_fd);
        secret::obtain(source, "the file's passphrase", prompt, "give --passphrase-file or --passphrase-fd")
    }
}

/// What opens a file.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// A UKey that the file was made for: its file, or a PKCS#11 URI; once for each
    #[arg(long = "holder", value_name = "UKEY")]
    holders: Vec<Spec>,

    /// Read the PIN of a --holder from this file (its first line); once for each, in their order
    #[arg(long = "holder-pin-file", value_name = "FILE")]
    pins: Vec<PathBuf>,

    /// A share from another machine (`backup open-share`), sealed to the UKey of a --holder
    #[arg(long = "share", value_name = "FILE")]
    carried: Vec<PathBuf>,

    #[command(flatten)]
    passphrase: PassphraseFrom,
}

impl Keys {
    /// The shares of all who are here, one after the other, and those that come from elsewhere.
    pub(crate) fn shares(&self, header: &Header) -> Result<Vec<Share>, Error> {
        let mut shares = Vec::new();
        let mut here = Vec::new();
        for (number, spec) in self.holders.iter().enumerate() {
            let holder = self.holder(number, spec)?;
            // One who only opens what others sent need not be a holder of the file.
            match header.open_share(&*holder) {
                Ok(share) => shares.push(share),
                Err(backup::Error::Recipients(_)) if !self.carried.is_empty() => {}
                Err(error) => return Err(spec.refuse(error)),
            }
            here.push(holder);
        }
        for path in &self.carried {
            shares.push(carried(path, header, &here)?);
        }
        Ok(shares)
    }

    fn holder(&self, number: usize, spec: &Spec) -> Result<Box<dyn Holder>, Error> {
        let source = Source::of(self.pins.get(number).map(PathBuf::as_path), None);
        let what = format!("the PIN of UKey {spec}");
        let pin = secret::obtain(source, &what, Prompt::Once, "give --holder-pin-file for each --holder")?;
        ukeys::open(spec, &pin)
    }

    /// The only one of the holders that there may be.
    pub(crate) fn one_share(&self, header: &Header) -> Result<Share, Error> {
        let mut shares = self.shares(header)?;
        match (shares.pop(), shares.is_empty()) {
            (Some(share), true) => Ok(share),
            _ => Err(Error::Usage("give one --holder".into())),
        }
    }
}

fn carried(path: &Path, header: &Header, here: &[Box<dyn Holder>]) -> Result<Share, Error> {
    let mut bytes = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(CarriedShare::MAX_LEN as u64).read_to_end(&mut bytes));
    read.map_err(|cause| refuse(path, format!("cannot read it: {cause}")))?;
    let share = CarriedShare::from_bytes(&bytes).map_err(|error| refuse(path, error))?;
    let to = share.to();
    let holder = here
        .iter()
        .find(|holder| holder.public().id() == to)
        .ok_or_else(|| refuse(path, format!("it is sealed to UKey {to}: name that with --holder")))?;
    share.open(header, &**holder).map_err(|error| refuse(path, error))
}

pub(crate) fn refuse(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::File { path: path.to_owned(), why: why.to_string() }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
