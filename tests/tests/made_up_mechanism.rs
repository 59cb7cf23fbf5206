//! A mechanism that exists nowhere else is added to the HSM, and used through the module as it is built: what the
//! module knows of parameters comes from the daemon, as data.
#![allow(clippy::undocumented_unsafe_blocks)] // what each call passes is what the test is about

use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use conformance::module::Module;
use cryptoki_sys as ck;
use hsm::event::{Actor, Unrecorded};
use hsm::mechanism::{Digester, Field, Mechanism, Mechanisms, words};
use hsm::partition::{NewPartition, Partition};
use hsm::policy::Profile;
use hsm::ports::{Access, Clock};
use hsm::store::memory::MemoryStore;
use hsm::vault::anchor::MemoryAnchor;
use hsm::vault::{RootKey, Vault};
use hsm::{Error, Hsm, Peer, Ports, Settings};
use wire::calls::{decrypt, digest, dual, encrypt, key, object, random, session, sign, slot, verify};
use wire::codec::{decode, encode};
use wire::frame;
use wire::handshake::{Hello, Welcome};
use wire::layout::LeafWord;
use wire::{MechanismId, Params};

const MADE_UP: MechanismId = MechanismId(0x8000_4243);
const LEN: usize = 256;

/// Its parameter, with a word of every kind.
const FIELDS: &[Field] = &[
    Field::Bool,
    Field::Ulong,
    Field::Inline(5),
    Field::Bytes,
    Field::LenBytes,
    Field::Struct(&[LeafWord::Ulong, LeafWord::Bytes]),
];

#[repr(C)]
struct Parameter {
    flag: ck::CK_BBOOL,
    number: ck::CK_ULONG,
    inline: [u8; 5],
    bytes: *const u8,
    bytes_len: ck::CK_ULONG,
    more_len: ck::CK_ULONG,
    more: *const u8,
    inner: *const Inner,
}

#[repr(C)]
struct Inner {
    number: ck::CK_ULONG,
    bytes: *const u8,
    bytes_len: ck::CK_ULONG,
}

/// A "digest" that says what it was given.
struct Echo(Vec<u8>);

impl Digester for Echo {
    fn len(&self) -> u64 {
        LEN as u64
    }
    fn update(&mut self, data: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(data);
        Ok(())
    }
    fn finish(mut self: Box<Self>) -> Result<Vec<u8>, Error> {
        self.0.resize(LEN, 0);
        Ok(self.0)
    }
    fn duplicate(&self) -> Result<Box<dyn Digester>, Error> {
        Ok(Box::new(Self(self.0.clone())))
    }
}

fn echo(params: &Params) -> Result<Box<dyn Digester>, Error> {
    let mut said = Vec::new();
    encode(&words(params)?.to_vec(), &mut said).map_err(|_| Error::Internal("it encodes"))?;
    Ok(Box::new(Echo(said)))
}

struct Outside;

impl Clock for Outside {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH
    }
}
impl Access for Outside {
    fn may_open(&self, _: Peer, _: &Partition) -> bool {
        true
    }
}

fn hsm() -> Arc<Hsm> {
    let root = RootKey::new(crypto::Secret::new(vec![1; RootKey::LEN])).unwrap();
    let vault = Vault::open(Arc::new(MemoryStore::new()), Arc::new(MemoryAnchor::default()), &root).unwrap();
    let ports = Ports { clock: Arc::new(Outside), events: Arc::new(Unrecorded), access: Arc::new(Outside) };
    let mut mechanisms = Mechanisms::standard();
    mechanisms.add(Mechanism {
        id: MADE_UP,
        name: "CKM_MADE_UP",
        params: &[FIELDS],
        digest: Some(echo),
        ..Mechanism::NONE
    });
    let hsm = Hsm::open(vault, Settings::default(), mechanisms, ports).unwrap();
    let (label, profile) = ("made up", Profile::Standard);
    let new = NewPartition { label, profile, so_pin: Some(b"87654321"), user_pin: None };
    hsm.create_partition(&new, &Actor::DAEMON).unwrap();
    hsm
}

/// A connection as the daemon serves it, with nothing around.
fn serve(hsm: &Arc<Hsm>, stream: &UnixStream) -> Option<()> {
    let (mut body, mut reply) = (Vec::new(), Vec::new());
    frame::read(&mut &*stream, &mut body).ok()?;
    let hello = decode::<Hello>(&body).ok()?;
    let application = hsm.connect(Peer { uid: 0, gid: 0, pid: 1 }, hello.join).ok()?;
    frame::begin(&mut reply);
    encode(&Welcome::Open(Box::new(hsm.opened(&application).ok()?)), &mut reply).ok()?;
    frame::end(&mut reply, &mut &*stream).ok()?;
    loop {
        frame::read(&mut &*stream, &mut body).ok()?;
        let (code, request) = wire::calls::split(&body).ok()?;
        frame::begin(&mut reply);
        let (to, r) = (&*application, &mut reply);
        slot::dispatch(to, code, request, r)
            .or_else(|| session::dispatch(to, code, request, r))
            .or_else(|| object::dispatch(to, code, request, r))
            .or_else(|| encrypt::dispatch(to, code, request, r))
            .or_else(|| decrypt::dispatch(to, code, request, r))
            .or_else(|| digest::dispatch(to, code, request, r))
            .or_else(|| sign::dispatch(to, code, request, r))
            .or_else(|| verify::dispatch(to, code, request, r))
            .or_else(|| dual::dispatch(to, code, request, r))
            .or_else(|| key::dispatch(to, code, request, r))
            .or_else(|| random::dispatch(to, code, request, r))?
            .ok()?;
        frame::end(&mut reply, &mut &*stream).ok()?;
    }
}

#[test]
fn a_made_up_mechanism_is_used_through_the_module_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let (hsm, listener) = (hsm(), UnixListener::bind(&socket).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let hsm = Arc::clone(&hsm);
            std::thread::spawn(move || serve(&hsm, &stream));
        }
    });
    // No other thread of this program reads the environment.
    unsafe { std::env::set_var("CLAVIGER_SOCKET", &socket) };
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().nth(2).map(Path::to_owned).unwrap();
    let module = Module::load(&target.join("libclaviger.so")).unwrap();
    let f = module.functions();

    let inner = Inner { number: 77, bytes: b"inner".as_ptr(), bytes_len: 5 };
    let mut parameter = Parameter {
        flag: 1,
        number: 0x1122_3344,
        inline: *b"fixed",
        bytes: b"some bytes".as_ptr(),
        bytes_len: 10,
        more_len: 4,
        more: b"more".as_ptr(),
        inner: &raw const inner,
    };
    let mut mechanism = ck::CK_MECHANISM {
        mechanism: MADE_UP.0,
        pParameter: (&raw mut parameter).cast(),
        ulParameterLen: size_of::<Parameter>() as ck::CK_ULONG,
    };
    let mut said = [0; LEN];
    unsafe {
        assert_eq!(f.C_Initialize.unwrap()(std::ptr::null_mut()), ck::CKR_OK);
        let mut session = 0;
        let opened =
            f.C_OpenSession.unwrap()(1, ck::CKF_SERIAL_SESSION, std::ptr::null_mut(), None, &raw mut session);
        assert_eq!(opened, ck::CKR_OK);
        assert_eq!(f.C_DigestInit.unwrap()(session, &raw mut mechanism), ck::CKR_OK);
        let mut data = *b"data";
        let mut len = LEN as ck::CK_ULONG;
        let digested = f.C_Digest.unwrap()(session, data.as_mut_ptr(), 4, said.as_mut_ptr(), &raw mut len);
        assert_eq!((digested, len as usize), (ck::CKR_OK, LEN));
        assert_eq!(f.C_Finalize.unwrap()(std::ptr::null_mut()), ck::CKR_OK);
    }
    use wire::mechanism::{Leaf, Value};
    let inner = wire::List::new(vec![Leaf::Ulong(77), Leaf::Bytes(b"inner"[..].into())]).unwrap();
    let expected = vec![
        Value::Bool(1),
        Value::Ulong(0x1122_3344),
        Value::Bytes(b"fixed"[..].into()),
        Value::Bytes(b"some bytes"[..].into()),
        Value::Bytes(b"more"[..].into()),
        Value::Struct(inner),
    ];
    let mut text = Vec::new();
    encode(&expected, &mut text).unwrap();
    text.extend_from_slice(b"data");
    assert_eq!(said[..text.len()], text);
}
