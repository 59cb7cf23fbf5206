//! The order of `Init`, `Update` and `Final`, and what a buffer that is too small does, against a simple model.

use hsm::object::Attr;
use proptest::prelude::*;
use wire::calls::decrypt::{Decrypt, DecryptCalls, DecryptFinal, DecryptInit, DecryptUpdate};
use wire::calls::digest::{Digest, DigestCalls, DigestFinal, DigestInit, DigestUpdate};
use wire::calls::dual::{DigestEncryptUpdate, DualCalls};
use wire::calls::encrypt::{Encrypt, EncryptCalls, EncryptFinal, EncryptInit, EncryptUpdate};
use wire::calls::session::{GetOperationState, SessionCalls, SessionCancel};
use wire::{ObjectHandle, Output, Room, Rv, SessionHandle, Slice};

use crate::support::*;

/// One call of a multi-part function, and the room it offers.
#[derive(Clone, Debug)]
enum Step {
    Init,
    Whole(usize, Room),
    Update(usize, Room),
    Final(Room),
}

fn room() -> impl Strategy<Value = Room> {
    prop_oneof![Just(Room::Ask), (0u64..70).prop_map(Room::Bytes), Just(Room::Bytes(4096))]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Init),
        2 => (0usize..40, room()).prop_map(|(len, room)| Step::Whole(len, room)),
        3 => (0usize..40, room()).prop_map(|(len, room)| Step::Update(len, room)),
        2 => room().prop_map(Step::Final),
    ]
}

/// What the model knows of an operation: the data it has been given, and whether any was in parts.
#[derive(Clone, Debug, PartialEq)]
enum Model {
    Idle,
    Begun,
    Fed(Vec<u8>),
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| at as u8).collect()
}

/// What the model says of a call: its code, and the state after it.
fn digest_model(state: &Model, step: &Step) -> (Rv, Model, Option<Vec<u8>>) {
    let digest = |data: &[u8]| crypto::hash::digest(crypto::Hash::Sha256, data).unwrap();
    let fits = |room: &Room| match room {
        Room::Ask => Err(Rv::OK),
        Room::Bytes(have) if *have < 32 => Err(Rv::BUFFER_TOO_SMALL),
        Room::Bytes(_) => Ok(()),
    };
    match (state, step) {
        (Model::Idle, Step::Init) => (Rv::OK, Model::Begun, None),
        (_, Step::Init) => (Rv::OPERATION_ACTIVE, state.clone(), None),
        (Model::Idle, _) => (Rv::OPERATION_NOT_INITIALIZED, Model::Idle, None),
        (Model::Begun, Step::Whole(len, room)) => match fits(room) {
            Err(rv) => (rv, Model::Begun, None),
            Ok(()) => (Rv::OK, Model::Idle, Some(digest(&data(*len)))),
        },
        (Model::Fed(_), Step::Whole(..)) => (Rv::OPERATION_ACTIVE, Model::Idle, None),
        (_, Step::Update(len, _)) => {
            let mut fed = if let Model::Fed(fed) = state { fed.clone() } else { Vec::new() };
            fed.extend(data(*len));
            (Rv::OK, Model::Fed(fed), None)
        }
        (_, Step::Final(room)) => match fits(room) {
            Err(rv) => (rv, state.clone(), None),
            Ok(()) => {
                let fed = if let Model::Fed(fed) = state { fed.clone() } else { Vec::new() };
                (Rv::OK, Model::Idle, Some(digest(&fed)))
            }
        },
    }
}

fn answer(result: Result<Output, hsm::Error>) -> (Rv, Option<Vec<u8>>) {
    match result {
        Ok(Output::Bytes(bytes)) => (Rv::OK, Some(bytes.to_vec())),
        Ok(Output::Length(_)) => (Rv::OK, None),
        Ok(Output::TooSmall { .. }) => (Rv::BUFFER_TOO_SMALL, None),
        Err(error) => (error.rv(), None),
    }
}

fn digest_step(app: &App, session: SessionHandle, step: &Step) -> (Rv, Option<Vec<u8>>) {
    match step {
        Step::Init => {
            let mechanism = Some(mechanism(SHA256));
            (rv(app.digest_init(DigestInit { session, mechanism })), None)
        }
        Step::Whole(len, room) => {
            answer(app.digest(Digest { session, data: Slice(&data(*len)), room: *room }))
        }
        Step::Update(len, _) => {
            (rv(app.digest_update(DigestUpdate { session, data: Slice(&data(*len)) })), None)
        }
        Step::Final(room) => answer(app.digest_final(DigestFinal { session, room: *room })),
    }
}

fn encrypt_step(app: &App, session: SessionHandle, key: ObjectHandle, step: &Step) -> (Rv, Option<Vec<u8>>) {
    match step {
        Step::Init => {
            let mechanism = Some(with_iv(AES_CBC_PAD));
            (rv(app.encrypt_init(EncryptInit { session, mechanism, key })), None)
        }
        Step::Whole(len, room) => {
            answer(app.encrypt(Encrypt { session, data: Slice(&data(*len)), room: *room }))
        }
        Step::Update(len, room) => {
            answer(app.encrypt_update(EncryptUpdate { session, data: Slice(&data(*len)), room: *room }))
        }
        Step::Final(room) => answer(app.encrypt_final(EncryptFinal { session, room: *room })),
    }
}

fn decrypt_step(
    app: &App,
    session: SessionHandle,
    key: ObjectHandle,
    step: &Step,
    sealed: &[u8],
) -> (Rv, Option<Vec<u8>>) {
    match step {
        Step::Init => {
            let mechanism = Some(with_iv(AES_CBC_PAD));
            (rv(app.decrypt_init(DecryptInit { session, mechanism, key })), None)
        }
        Step::Whole(_, room) => answer(app.decrypt(Decrypt { session, data: Slice(sealed), room: *room })),
        Step::Update(len, room) => {
            let data = Slice(&sealed[..*len]);
            answer(app.decrypt_update(DecryptUpdate { session, data, room: *room }))
        }
        Step::Final(room) => answer(app.decrypt_final(DecryptFinal { session, room: *room })),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn digests_follow_the_model(steps in proptest::collection::vec(step(), 1..25)) {
        let world = World::new();
        let app = world.app();
        let session = app.open(STANDARD, RO).unwrap();
        let mut state = Model::Idle;
        for step in steps {
            let (code, next, output) = digest_model(&state, &step);
            prop_assert_eq!(digest_step(&app, session, &step), (code, output), "{:?} in {:?}", step, state);
            state = next;
        }
    }

    /// Whatever the rooms, what comes out is what comes out with room enough, and nothing is lost or doubled.
    #[test]
    fn encryption_gives_the_same_however_short_the_buffers(
        steps in proptest::collection::vec((0usize..40, room()), 0..6),
        last in room(),
    ) {
        let world = World::new();
        let user = world.user(STANDARD);
        let key = user.on().known(&[3; 16], &[]).unwrap();
        let (app, session) = (&user.app, user.session);
        let run = |step: &Step| encrypt_step(app, session, key, step);
        prop_assert_eq!(run(&Step::Init).0, Rv::OK);
        let (mut plain, mut sealed) = (Vec::new(), Vec::new());
        for (len, room) in steps {
            let (mut code, mut output) = run(&Step::Update(len, room));
            if output.is_none() {
                prop_assert!(code == Rv::BUFFER_TOO_SMALL || room == Room::Ask);
                (code, output) = run(&Step::Update(len, ROOM));
            }
            prop_assert_eq!(code, Rv::OK);
            plain.extend(data(len));
            sealed.extend(output.unwrap());
        }
        let (mut code, mut output) = run(&Step::Final(last));
        if output.is_none() {
            prop_assert!(code == Rv::BUFFER_TOO_SMALL || last == Room::Ask);
            (code, output) = run(&Step::Final(ROOM));
        }
        prop_assert_eq!(code, Rv::OK);
        sealed.extend(output.unwrap());
        prop_assert_eq!(user.on().encrypt(with_iv(AES_CBC_PAD), key, &plain).unwrap(), sealed.clone());
        prop_assert_eq!(user.on().decrypt(with_iv(AES_CBC_PAD), key, &sealed).unwrap(), plain);
    }

    /// Only what the standard says leaves an operation open, whatever came before.
    #[test]
    fn a_cipher_ends_where_the_standard_says(
        steps in proptest::collection::vec(step(), 1..25),
        decrypts in any::<bool>(),
    ) {
        let world = World::new();
        let user = world.user(STANDARD);
        let key = user.on().known(&[3; 16], &[]).unwrap();
        let sealed = user.on().encrypt(with_iv(AES_CBC_PAD), key, &data(40)).unwrap();
        let (app, session) = (&user.app, user.session);
        let run = |step: &Step| match decrypts {
            true => decrypt_step(app, session, key, step, &sealed),
            false => encrypt_step(app, session, key, step),
        };
        let mut active = false;
        for step in steps {
            let (code, output) = run(&step);
            let answered = code == Rv::OK && output.is_none() || code == Rv::BUFFER_TOO_SMALL;
            match step {
                Step::Init => prop_assert_eq!(code, if active { Rv::OPERATION_ACTIVE } else { Rv::OK }),
                _ if !active => prop_assert_eq!(code, Rv::OPERATION_NOT_INITIALIZED),
                _ => prop_assert!(code != Rv::OPERATION_NOT_INITIALIZED),
            }
            active = match step {
                Step::Init => true,
                Step::Update(..) => active && (code == Rv::OK || answered),
                Step::Whole(..) | Step::Final(_) => active && answered,
            };
        }
    }
}

#[test]
fn output_that_did_not_fit_is_that_of_its_data_alone() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = user.on().known(&[3; 16], &[]).unwrap();
    let run = |step: &Step| encrypt_step(&user.app, user.session, key, step);
    let short = Room::Bytes(1);
    run(&Step::Init);
    assert_eq!(run(&Step::Whole(20, short)).0, Rv::BUFFER_TOO_SMALL);
    assert_eq!(run(&Step::Whole(21, ROOM)).0, Rv::DATA_INVALID);
    run(&Step::Init);
    assert_eq!(run(&Step::Whole(20, short)).0, Rv::BUFFER_TOO_SMALL);
    let sealed = run(&Step::Whole(20, ROOM)).1.unwrap();
    assert_eq!(user.on().decrypt(with_iv(AES_CBC_PAD), key, &sealed).unwrap(), data(20));
}

#[test]
fn an_error_in_one_of_two_operations_ends_both() {
    let world = World::new();
    let user = world.user(STANDARD);
    let (app, session) = (&user.app, user.session);
    let key = user.on().known(&[3; 16], &[]).unwrap();
    let both = |data: &[u8], room| {
        answer(app.digest_encrypt_update(DigestEncryptUpdate { session, data: Slice(data), room })).0
    };
    assert_eq!(both(&[0; 16], ROOM), Rv::OPERATION_NOT_INITIALIZED);
    let begin = || {
        digest_step(app, session, &Step::Init);
        app.encrypt_init(EncryptInit { session, mechanism: Some(mechanism(AES_ECB)), key }).unwrap();
    };
    begin();
    assert_eq!(both(&[7; 16], Room::Bytes(0)), Rv::BUFFER_TOO_SMALL);
    assert_eq!(both(&[7; 16], ROOM), Rv::OK);
    let digest = digest_step(app, session, &Step::Final(ROOM)).1.unwrap();
    assert_eq!(digest, crypto::hash::digest(crypto::Hash::Sha256, &[7; 16]).unwrap());
    let state = GetOperationState { session, room: ROOM };
    assert_eq!(rv(app.get_operation_state(state.clone())), Rv::STATE_UNSAVEABLE);
    app.session_cancel(SessionCancel { session, flags: 0x100 | 0x400 }).unwrap();
    assert_eq!(rv(app.get_operation_state(state)), Rv::OPERATION_NOT_INITIALIZED);
}

#[test]
fn a_logout_ends_what_is_under_way() {
    let world = World::new();
    let user = world.user(STANDARD);
    let key = user.on().generate(&[(Attr::PRIVATE, YES)]).unwrap();
    encrypt_step(&user.app, user.session, key, &Step::Init);
    let second = user.app.open(STANDARD, RO).unwrap();
    user.app.logout(second).unwrap();
    user.app.login(second, CKU_USER, PIN).unwrap();
    let (code, _) = encrypt_step(&user.app, user.session, key, &Step::Whole(16, ROOM));
    assert_eq!(code, Rv::OPERATION_NOT_INITIALIZED);
}
