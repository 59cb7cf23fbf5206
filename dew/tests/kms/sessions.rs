//! A key of the KMS through PKCS#11: an application on the project's partition sees it, and is refused when it cannot be
//! used.

use dew::kms::spec::Spec;
use hsm::event::Actor;
use hsm::{Connection, Error, Peer};
use wire::calls::object::{FindObjects, FindObjectsInit, ObjectCalls, SetAttributeValue};
use wire::calls::session::{Login, OpenSession, SessionCalls};
use wire::calls::sign::{Sign, SignCalls, SignInit};
use wire::template::AttributeValue;
use wire::{
    Attribute, AttributeType, Mechanism, MechanismId, ObjectHandle, Output, Params, Room, Rv, SessionHandle,
    Slice, SlotId, Template,
};

use super::office::Office;

const PIN: &[u8] = b"12345678";
const CKM_ECDSA_SHA256: u64 = 0x1044;
const CKA_CLASS: u64 = 0;
const CKA_LABEL: u64 = 3;
const CKA_ID: u64 = 0x102;
const CKO_PRIVATE_KEY: u64 = 3;

/// An application that is logged in to the partition of the world's project.
struct Application {
    connection: Connection,
    session: SessionHandle,
}

impl Application {
    fn on(world: &Office) -> Self {
        let slot = world.hsm.partitions()[0].slot();
        world.hsm.set_service_user_pin(slot.0, PIN, &Actor::DAEMON).unwrap();
        let connection = world.hsm.connect(Peer { uid: 0, gid: 0, pid: 1 }, None).unwrap();
        let session = connection.open_session(OpenSession { slot, flags: 6 }).unwrap();
        connection.login(Login { session, user: 1, pin: Some(Slice(PIN)) }).unwrap();
        Self { connection, session }
    }

    /// The private keys, by label.
    fn keys(&self, label: &str) -> Vec<ObjectHandle> {
        self.with(CKA_LABEL, label)
    }

    /// The private keys that have a text in an attribute.
    fn with(&self, kind: u64, text: &str) -> Vec<ObjectHandle> {
        let wanted =
            vec![attribute(CKA_CLASS, &CKO_PRIVATE_KEY.to_le_bytes()), attribute(kind, text.as_bytes())];
        let (session, template) = (self.session, Template::new(wanted).unwrap());
        self.connection.find_objects_init(FindObjectsInit { session, template }).unwrap();
        let found = self.connection.find_objects(FindObjects { session, max: 10 }).unwrap().into_vec();
        self.connection.find_objects_final(wire::calls::object::FindObjectsFinal { session }).unwrap();
        found
    }

    fn begin(&self, key: ObjectHandle) -> Result<(), Error> {
        let mechanism = Some(Mechanism { id: MechanismId(CKM_ECDSA_SHA256), params: Params::None });
        self.connection.sign_init(SignInit { session: self.session, mechanism, key }).map(drop)
    }

    fn end(&self) -> Result<(), Error> {
        let call = Sign { session: self.session, data: Slice(b"data"), room: Room::Bytes(100) };
        match self.connection.sign(call)? {
            Output::Bytes(signature) => {
                assert_eq!(signature.len(), 64);
                Ok(())
            }
            other => panic!("no signature: {other:?}"),
        }
    }

    fn signs(&self, key: ObjectHandle) -> Result<(), Error> {
        self.begin(key)?;
        self.end()
    }
}

fn attribute(kind: u64, value: &[u8]) -> Attribute {
    Attribute { kind: AttributeType(kind), value: AttributeValue::Bytes(value.into()) }
}

fn refusal(result: Result<(), Error>) -> Rv {
    result.expect_err("the key was used").rv()
}

/// Requirement: KMS-119, KMS-128
#[test]
fn what_is_disabled_or_to_be_deleted_is_refused_at_once_through_a_session_that_was_open_before() {
    let world = Office::new();
    let key = world.key("the-signer", Spec::EcP256);
    let application = Application::on(&world);
    let [handle] = application.keys("the-signer").try_into().unwrap();
    application.signs(handle).unwrap();
    // Disabled, and again enabled.
    application.begin(handle).unwrap();
    world.kms.disable_key(&world.root, &key).unwrap();
    assert_eq!(refusal(application.end()), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(refusal(application.signs(handle)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    world.kms.enable_key(&world.root, &key).unwrap();
    application.signs(handle).unwrap();
    // To be deleted, and kept.
    application.begin(handle).unwrap();
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    assert_eq!(refusal(application.end()), Rv::OPERATION_NOT_INITIALIZED);
    assert_eq!(refusal(application.signs(handle)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    world.kms.cancel_deletion(&world.root, &key).unwrap();
    assert_eq!(refusal(application.signs(handle)), Rv::KEY_FUNCTION_NOT_PERMITTED);
    world.kms.enable_key(&world.root, &key).unwrap();
    application.signs(handle).unwrap();
    // Deleted.
    world.kms.schedule_deletion(&world.root, &key, 7).unwrap();
    world.pass_days(7);
    world.run_due();
    assert_eq!(refusal(application.signs(handle)), Rv::KEY_HANDLE_INVALID);
    assert!(application.keys("the-signer").is_empty());
}

/// A name is the label of the objects too, and nobody but the KMS changes them.
#[test]
fn an_application_sees_a_key_by_its_name_and_cannot_change_or_destroy_it() {
    let world = Office::new();
    let key = world.key("before", Spec::EcP256);
    let application = Application::on(&world);
    world.kms.rename_key(&world.root, &key, "after").unwrap();
    assert!(application.keys("before").is_empty());
    let [handle] = application.keys("after").try_into().unwrap();
    let session = application.session;
    let destroyed =
        application.connection.destroy_object(wire::calls::object::DestroyObject { session, object: handle });
    assert_eq!(refusal(destroyed), Rv::ACTION_PROHIBITED);
    let template = Template::new(vec![attribute(CKA_LABEL, b"mine")]).unwrap();
    let changed =
        application.connection.set_attribute_value(SetAttributeValue { session, object: handle, template });
    assert_eq!(refusal(changed), Rv::ACTION_PROHIBITED);
    assert_eq!(application.with(CKA_ID, &key), [handle]);
    application.signs(handle).unwrap();
    let world_slot: SlotId = world.hsm.partitions()[0].slot();
    assert_eq!(
        world.hsm.set_service_user_pin(world_slot.0 + 7, PIN, &Actor::DAEMON).err().map(|e| e.rv()),
        Some(Rv::SLOT_ID_INVALID)
    );
    assert_eq!(
        world.hsm.set_service_user_pin(world_slot.0, b"1", &Actor::DAEMON).err().map(|e| e.rv()),
        Some(Rv::PIN_LEN_RANGE)
    );
}
