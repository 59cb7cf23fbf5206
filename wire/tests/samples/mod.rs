//! One sample of everything that crosses the socket: of each call and its reply, of the handshake, and of
//! what the console says.
#![allow(dead_code, unreachable_pub, unused_qualifications)]

use wire::admin::{Ask, Object, Partition, Status, Told};
use wire::calls::Call;
use wire::calls::decrypt::{self, *};
use wire::calls::digest::{self, *};
use wire::calls::dual::{self, *};
use wire::calls::encrypt::{self, *};
use wire::calls::key::{self, *};
use wire::calls::object::{self, *};
use wire::calls::random::{self, *};
use wire::calls::session::{self, *};
use wire::calls::sign::{self, *};
use wire::calls::slot::{self, *};
use wire::calls::verify::{self, *};
use wire::codec::{decode, encode};
use wire::handshake::{ApplicationToken, Hello, Opened, Welcome};
use wire::info::{MechanismInfo, SessionInfo, SlotInfo, TokenInfo};
use wire::layout::{LeafWord, MechanismLayouts, Word};
use wire::mechanism::{Leaf as ParameterLeaf, Params, Value};
use wire::template::{
    Answer, Answers, Attribute, AttributeValue, Leaf, LeafAnswer, LeafAnswerValue, LeafQuery, Query,
};
use wire::{
    AttributeType, Bytes, List, Mechanism, MechanismId, ObjectHandle, Output, Repeat, Room, Rv,
    SessionHandle, Slice, SlotId, Template,
};

/// The name of a sample, and its encoding.
pub type Row = (String, Vec<u8>);

fn row<T: serde::Serialize>(name: impl Into<String>, value: &T) -> Row {
    let mut bytes = Vec::new();
    encode(value, &mut bytes).unwrap();
    (name.into(), bytes)
}

/// A row whose sample also decodes to itself.
fn round<T>(name: impl Into<String>, value: &T) -> Row
where
    T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let (name, bytes) = row(name, value);
    assert_eq!(decode::<T>(&bytes).as_ref(), Ok(value), "{name}");
    (name, bytes)
}

/// A call's request and replies.
fn call<C: Call>(rows: &mut Vec<Row>, call: &C, replies: &[C::Reply])
where
    C::Reply: PartialEq + std::fmt::Debug,
{
    let (_, encoding) = row("", call);
    rows.push((
        format!("{:04x} {} request", C::CODE, C::NAME),
        [&C::CODE.to_le_bytes(), encoding.as_slice()].concat(),
    ));
    for (number, reply) in replies.iter().enumerate() {
        let (_, encoding) = round(C::NAME, reply);
        rows.push((
            format!("{:04x} {} reply {number}", C::CODE, C::NAME),
            [&Rv::OK.0.to_le_bytes(), encoding.as_slice()].concat(),
        ));
    }
}

fn list<T: std::fmt::Debug, const MAX: usize>(items: Vec<T>) -> List<T, MAX> {
    List::new(items).unwrap()
}

fn bytes(bytes: &[u8]) -> Bytes {
    bytes.into()
}

pub fn mechanism() -> Mechanism {
    let leaves = vec![
        ParameterLeaf::Ulong(300),
        ParameterLeaf::Bool(1),
        ParameterLeaf::Bytes(bytes(b"leaf")),
        ParameterLeaf::Null,
    ];
    let words = vec![
        Value::Ulong(u64::MAX),
        Value::Bool(255),
        Value::Bytes(bytes(b"word")),
        Value::Null,
        Value::Struct(list(leaves)),
    ];
    Mechanism { id: MechanismId(0x8000_0001), params: Params::Words(list(words)) }
}

fn plain() -> Mechanism {
    Mechanism { id: MechanismId(1), params: Params::None }
}

fn mismatch() -> Mechanism {
    Mechanism { id: MechanismId(0x1087), params: Params::Mismatch { len: 47 } }
}

pub fn template() -> Template {
    let leaf = Leaf { kind: AttributeType(3), value: bytes(b"inner") };
    list(vec![
        Attribute { kind: AttributeType(0), value: AttributeValue::Bytes(bytes(&[4, 0, 0, 0, 0, 0, 0, 0])) },
        Attribute { kind: AttributeType(0x4000_0211), value: AttributeValue::Template(list(vec![leaf])) },
    ])
}

fn queries() -> List<Query, 128> {
    list(vec![
        Query { kind: AttributeType(3), room: Room::Ask, nested: List::default() },
        Query {
            kind: AttributeType(0x4000_0211),
            room: Room::Bytes(24),
            nested: list(vec![LeafQuery { room: Room::Bytes(8) }]),
        },
    ])
}

pub fn answers() -> Answers {
    let leaf = |value| LeafAnswer { kind: AttributeType(3), value };
    let nested = vec![
        leaf(LeafAnswerValue::Value(bytes(b"inner"))),
        leaf(LeafAnswerValue::Length(5)),
        leaf(LeafAnswerValue::Unavailable),
    ];
    let answers = vec![
        Answer::Value(bytes(b"label")),
        Answer::Length(5),
        Answer::Unavailable,
        Answer::Nested(list(nested)),
        Answer::NestedLength(3),
    ];
    Answers { rv: Rv::ATTRIBUTE_SENSITIVE, answers: list(answers) }
}

fn outputs() -> [Output; 3] {
    [Output::Bytes(bytes(b"output")), Output::Length(256), Output::TooSmall { needed: 257 }]
}

const SLOT: SlotId = SlotId(3);
const SESSION: SessionHandle = SessionHandle(0x1234_5678_9abc);
const OBJECT: ObjectHandle = ObjectHandle(77);
const OTHER: ObjectHandle = ObjectHandle(78);
const ASK: Room = Room::Ask;
const ROOM: Room = Room::Bytes(512);
const DATA: Slice<'static> = Slice(b"data");
const PIN: Option<Slice<'static>> = Some(Slice(b"1234"));
const REPEATS: [Repeat; 3] = [Repeat::Ask, Repeat::Same, Repeat::SameLengths];

fn slot_calls(rows: &mut Vec<Row>) {
    call(rows, &GetSlotList { token_present: true }, &[list(vec![SLOT, SlotId(300)])]);
    let info = SlotInfo {
        description: "slot".into(),
        manufacturer: "Claviger".into(),
        flags: 1,
        hardware_version: (1, 2),
        firmware_version: (3, 4),
    };
    call(rows, &GetSlotInfo { slot: SLOT }, &[info]);
    let info = TokenInfo {
        label: "lähel".into(),
        manufacturer: "Claviger".into(),
        model: "model".into(),
        serial: "0123456789abcdef".into(),
        flags: 0x40d,
        max_sessions: 0,
        sessions: 1,
        max_rw_sessions: 2,
        rw_sessions: 3,
        max_pin_len: 256,
        min_pin_len: 4,
        total_public_memory: u64::MAX,
        free_public_memory: 5,
        total_private_memory: 6,
        free_private_memory: 7,
        hardware_version: (1, 2),
        firmware_version: (3, 4),
        utc_time: "2026010203040500".into(),
    };
    call(rows, &GetTokenInfo { slot: SLOT }, &[info]);
    call(rows, &GetMechanismList { slot: SLOT }, &[list(vec![MechanismId(1), MechanismId(0x8000_0001)])]);
    let info = MechanismInfo { min_key_size: 2048, max_key_size: 8192, flags: 0x2800 };
    call(rows, &GetMechanismInfo { slot: SLOT, mechanism: MechanismId(1) }, &[info]);
    call(rows, &InitToken { slot: SLOT, pin: PIN, label: Slice(&[b'x'; 32]) }, &[()]);
    call(rows, &WaitForSlotEvent {}, &[None, Some(SLOT)]);
}

fn session_calls(rows: &mut Vec<Row>) {
    call(rows, &OpenSession { slot: SLOT, flags: 6 }, &[SESSION]);
    call(rows, &CloseSession { session: SESSION }, &[()]);
    call(rows, &CloseAllSessions { slot: SLOT }, &[()]);
    let info = SessionInfo { slot: 3, state: 2, flags: 6, device_error: 0 };
    call(rows, &GetSessionInfo { session: SESSION }, &[info]);
    call(rows, &Login { session: SESSION, user: 1, pin: PIN }, &[()]);
    call(rows, &Logout { session: SESSION }, &[()]);
    call(rows, &InitPIN { session: SESSION, pin: None }, &[()]);
    call(rows, &LoginUser { session: SESSION, user: 1, pin: PIN, name: Slice("Zoë".as_bytes()) }, &[()]);
    call(rows, &SetPIN { session: SESSION, old: PIN, new: None }, &[()]);
    call(rows, &GetOperationState { session: SESSION, room: ASK }, &outputs());
    let state = SetOperationState {
        session: SESSION,
        state: DATA,
        encryption_key: OBJECT,
        authentication_key: OTHER,
    };
    call(rows, &state, &[()]);
    call(rows, &SessionCancel { session: SESSION, flags: 0x2f00 }, &[()]);
}

fn object_calls(rows: &mut Vec<Row>) {
    call(rows, &CreateObject { session: SESSION, template: template() }, &[OBJECT]);
    call(rows, &CopyObject { session: SESSION, object: OBJECT, template: template() }, &[OTHER]);
    call(rows, &DestroyObject { session: SESSION, object: OBJECT }, &[()]);
    call(rows, &GetObjectSize { session: SESSION, object: OBJECT }, &[1234]);
    call(rows, &GetAttributeValue { session: SESSION, object: OBJECT, queries: queries() }, &[answers()]);
    call(rows, &SetAttributeValue { session: SESSION, object: OBJECT, template: template() }, &[()]);
    call(rows, &FindObjectsInit { session: SESSION, template: List::default() }, &[()]);
    call(rows, &FindObjects { session: SESSION, max: 10 }, &[list(vec![OBJECT, OTHER])]);
    call(rows, &FindObjectsFinal { session: SESSION }, &[()]);
}

fn data_calls(rows: &mut Vec<Row>) {
    let (session, key, data) = (SESSION, OBJECT, DATA);
    call(rows, &EncryptInit { session, mechanism: Some(mechanism()), key }, &REPEATS);
    call(rows, &Encrypt { session, data, room: ASK }, &outputs());
    call(rows, &EncryptUpdate { session, data, room: ROOM }, &outputs());
    call(rows, &EncryptFinal { session, room: ROOM }, &outputs());
    call(rows, &DecryptInit { session, mechanism: None, key: ObjectHandle::INVALID }, &REPEATS);
    call(rows, &Decrypt { session, data, room: ASK }, &outputs());
    call(rows, &DecryptUpdate { session, data, room: ROOM }, &outputs());
    call(rows, &DecryptFinal { session, room: ROOM }, &outputs());
    call(rows, &DigestInit { session, mechanism: Some(plain()) }, &REPEATS);
    call(rows, &Digest { session, data, room: ROOM }, &outputs());
    call(rows, &DigestUpdate { session, data }, &[()]);
    call(rows, &DigestKey { session, key }, &[()]);
    call(rows, &DigestFinal { session, room: ROOM }, &outputs());
    call(rows, &SignInit { session, mechanism: Some(mismatch()), key }, &REPEATS);
    call(rows, &Sign { session, data, room: ROOM }, &outputs());
    call(rows, &SignUpdate { session, data }, &[()]);
    call(rows, &SignFinal { session, room: ROOM }, &outputs());
    call(rows, &SignRecoverInit { session, mechanism: Some(plain()), key }, &[()]);
    call(rows, &SignRecover { session, data, room: ROOM }, &outputs());
    call(rows, &VerifyInit { session, mechanism: Some(plain()), key }, &REPEATS);
    call(rows, &Verify { session, data, signature: Slice(b"signature") }, &[()]);
    call(rows, &VerifyUpdate { session, data }, &[()]);
    call(rows, &VerifyFinal { session, signature: Slice(b"signature") }, &[()]);
    call(rows, &VerifyRecoverInit { session, mechanism: Some(plain()), key }, &[()]);
    call(rows, &VerifyRecover { session, signature: Slice(b"signature"), room: ROOM }, &outputs());
    call(rows, &DigestEncryptUpdate { session, data, room: ROOM }, &outputs());
    call(rows, &DecryptDigestUpdate { session, data, room: ROOM }, &outputs());
    call(rows, &SignEncryptUpdate { session, data, room: ROOM }, &outputs());
    call(rows, &DecryptVerifyUpdate { session, data, room: ROOM }, &outputs());
}

fn key_calls(rows: &mut Vec<Row>) {
    let (session, mechanism, template) = (SESSION, mechanism(), template());
    call(rows, &GenerateKey { session, mechanism: plain(), template: template.clone() }, &[OBJECT]);
    let pair =
        GenerateKeyPair { session, mechanism: plain(), public: template.clone(), private: List::default() };
    call(rows, &pair, &[(OBJECT, OTHER)]);
    let wrap =
        WrapKey { session, mechanism: mechanism.clone(), wrapping_key: OBJECT, key: OTHER, room: ROOM };
    call(rows, &wrap, &outputs());
    let unwrap = UnwrapKey {
        session,
        mechanism: mechanism.clone(),
        unwrapping_key: OBJECT,
        wrapped: DATA,
        template: template.clone(),
    };
    call(rows, &unwrap, &[OTHER]);
    call(rows, &DeriveKey { session, mechanism, base_key: OBJECT, template }, &[OTHER]);
    call(rows, &SeedRandom { session, seed: DATA }, &[()]);
    call(rows, &GenerateRandom { session, len: 6 }, &[bytes(b"random")]);
}

pub fn hello() -> Hello {
    Hello {
        magic: *b"CLVG",
        oldest: 1,
        newest: 1,
        ulong_width: 8,
        little_endian: true,
        join: Some(ApplicationToken(*b"0123456789abcdef")),
    }
}

pub fn opened() -> Welcome {
    let leaves =
        vec![LeafWord::Ulong, LeafWord::Bool, LeafWord::Inline(3), LeafWord::Bytes, LeafWord::LenBytes];
    let words = vec![
        Word::Ulong,
        Word::Bool,
        Word::Inline(300),
        Word::Bytes,
        Word::LenBytes,
        Word::Struct(list(leaves)),
    ];
    let layouts = MechanismLayouts { mechanism: MechanismId(0x1087), layouts: list(vec![list(words)]) };
    Welcome::Open(Box::new(Opened {
        version: 1,
        application: ApplicationToken(*b"0123456789abcdef"),
        release: (0, 1),
        layouts: list(vec![layouts]),
        flat_arrays: list(vec![AttributeType(0x4000_0600)]),
        bounds: list(vec![(AttributeType(3), 65_536)]),
    }))
}

fn opened_with_bytes() -> Welcome {
    let Welcome::Open(mut opened) = opened() else { unreachable!("it is open") };
    let layouts = list(vec![list(vec![Word::Whole(1024)])]);
    opened.layouts = list(vec![MechanismLayouts { mechanism: MechanismId(0x21), layouts }]);
    Welcome::Open(opened)
}

fn partition() -> Partition {
    Partition {
        slot: 1,
        label: "label".into(),
        serial: "0123456789abcdef".into(),
        uri: "pkcs11:token=label".into(),
        policy: "standard".into(),
        initialized: true,
        user_pin: false,
        so_pin_failures: 1,
        user_pin_failures: 2,
        so_pin_locked: false,
        user_pin_locked: true,
        objects: 3,
        sessions: 4,
    }
}

pub fn asks() -> Vec<Ask> {
    let name = || String::from("label");
    vec![
        Ask::Status,
        Ask::Unseal { passphrase: bytes(b"passphrase") },
        Ask::PartitionCreate {
            label: name(),
            policy: "strict".into(),
            so_pin: Some(bytes(b"1234")),
            user_pin: None,
        },
        Ask::PartitionList,
        Ask::PartitionShow { partition: name() },
        Ask::PartitionInit {
            partition: name(),
            label: Some("new".into()),
            so_pin: bytes(b"1234"),
            user_pin: Some(bytes(b"5678")),
        },
        Ask::PartitionRename { partition: name(), label: "new".into() },
        Ask::PartitionDelete { partition: name() },
        Ask::ObjectList { partition: name(), after: 300 },
    ]
}

pub fn told() -> Vec<Told> {
    let status = Status {
        version: "0.1.0".into(),
        pid: 4321,
        uptime: 60,
        sealed: false,
        store: "redb".into(),
        socket: "/run/claviger/hsmd.sock".into(),
        connections: 1,
        max_connections: 4096,
        sessions: 2,
        partitions: 3,
        objects: 4,
    };
    let object = Object {
        number: 9,
        unique_id: "id".into(),
        class: "CKO_PRIVATE_KEY".into(),
        kind: "CKK_RSA".into(),
        bits: 2048,
        label: "key".into(),
        id: "01".into(),
        private: true,
        sensitive: true,
        extractable: false,
        usages: vec!["sign".into()],
    };
    vec![
        Told::Status(status),
        Told::Done,
        Told::Partition(Box::new(partition())),
        Told::Partitions(list(vec![partition()])),
        Told::Objects(list(vec![object])),
        Told::Failed { reason: "there is no such partition".into() },
    ]
}

/// Every row, in the order of the golden file.
pub fn rows() -> Vec<Row> {
    let mut rows = vec![
        round("hello", &hello()),
        round("welcome open", &opened()),
        round("welcome open with a parameter that is no structure", &opened_with_bytes()),
        round("welcome refused", &Welcome::Refused { rv: Rv::DEVICE_MEMORY, reason: "too many".into() }),
    ];
    slot_calls(&mut rows);
    session_calls(&mut rows);
    object_calls(&mut rows);
    data_calls(&mut rows);
    key_calls(&mut rows);
    for ask in asks() {
        rows.push(round(format!("ask {}", ask.act().command.name()), &ask));
    }
    for (number, told) in told().iter().enumerate() {
        rows.push(round(format!("told {number}"), told));
    }
    rows
}

/// The codes of every call and their names.
pub fn codes() -> Vec<(u16, &'static str)> {
    [
        slot::NAMES,
        session::NAMES,
        object::NAMES,
        encrypt::NAMES,
        decrypt::NAMES,
        digest::NAMES,
        sign::NAMES,
        verify::NAMES,
        dual::NAMES,
        key::NAMES,
        random::NAMES,
    ]
    .concat()
}
