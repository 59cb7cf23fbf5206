//! A key of the KMS through the PKCS#11 door of its project's partition.

use dew::kms::spec::Spec;
use hsm::Connection;
use hsm::event::Actor;
use wire::calls::object::{DestroyObject, FindObjects, FindObjectsInit, ObjectCalls, SetAttributeValue};
use wire::calls::session::{Login, OpenSession, SessionCalls};
use wire::calls::sign::{Sign, SignCalls, SignInit};
use wire::template::AttributeValue;
use wire::{
    Attribute, List, Mechanism, MechanismId, ObjectHandle, Params, Room, Rv, SessionHandle, Slice, SlotId,
};

use crate::support::{World, new};

const PIN: &[u8] = b"12345678";
const CKM_ECDSA_SHA256: u64 = 0x1044;
const CKA_CLASS: u64 = 0;
const CKA_LABEL: u64 = 3;
const CKA_ID: u64 = 0x102;
const CKO_PRIVATE_KEY: u64 = 3;

struct Application {
    connection: Connection,
    session: SessionHandle,
}

impl Application {
    fn log_in(world: &World, slot: u64) -> Self {
        let connection = world.hsm.connect(hsm::Peer { uid: 1, gid: 1, pid: 1 }, None).unwrap();
        let session = connection.open_session(OpenSession { slot: SlotId(slot), flags: 6 }).unwrap();
        connection.login(Login { session, user: 1, pin: Some(Slice(PIN)) }).unwrap();
        Self { connection, session }
    }

    fn find(&self, id: &str) -> ObjectHandle {
        let value = |bytes: &[u8]| AttributeValue::Bytes(bytes.into());
        let template = List::new(vec![
            Attribute { kind: wire::AttributeType(CKA_CLASS), value: value(&CKO_PRIVATE_KEY.to_le_bytes()) },
            Attribute { kind: wire::AttributeType(CKA_ID), value: value(id.as_bytes()) },
        ]);
        let session = self.session;
        self.connection.find_objects_init(FindObjectsInit { session, template: template.unwrap() }).unwrap();
        let found = self.connection.find_objects(FindObjects { session, max: 2 }).unwrap();
        self.connection.find_objects_final(wire::calls::object::FindObjectsFinal { session }).unwrap();
        assert_eq!(found.len(), 1);
        found[0]
    }

    fn sign(&self, key: ObjectHandle) -> Result<(), Rv> {
        let (session, rv) = (self.session, |error: hsm::Error| error.rv());
        let mechanism = Some(Mechanism { id: MechanismId(CKM_ECDSA_SHA256), params: Params::None });
        self.connection.sign_init(SignInit { session, mechanism, key }).map_err(rv)?;
        let room = Room::Bytes(64);
        self.connection.sign(Sign { session, data: Slice(b"x"), room }).map_err(rv).map(drop)
    }
}

#[test]
fn a_key_signs_through_pkcs11_while_it_is_enabled_and_is_nobodys_to_change_there() {
    let world = World::new();
    let account = world.account("acme");
    let root = world.root(&account);
    let key = world.key(&root, new("signer", Spec::EcP256));
    let partition = world.hsm.partition_named(&account.made.project.to_string()).unwrap();
    world.hsm.reset_user_pin(&partition, "user", PIN, &Actor::DAEMON).unwrap();
    let application = Application::log_in(&world, partition.slot().0);
    let handle = application.find(&key);
    assert_eq!(application.sign(handle), Ok(()));

    world.kms.disable_key(&root, &key).unwrap();
    assert_eq!(application.sign(handle), Err(Rv::KEY_FUNCTION_NOT_PERMITTED), "a session opened before");
    world.kms.enable_key(&root, &key).unwrap();
    assert_eq!(application.sign(handle), Ok(()));

    let session = application.session;
    let destroyed = application.connection.destroy_object(DestroyObject { session, object: handle });
    assert_eq!(destroyed.unwrap_err().rv(), Rv::ACTION_PROHIBITED);
    let label = Attribute {
        kind: wire::AttributeType(CKA_LABEL),
        value: AttributeValue::Bytes(b"mine".as_slice().into()),
    };
    let template = List::new(vec![label]).unwrap();
    let changed =
        application.connection.set_attribute_value(SetAttributeValue { session, object: handle, template });
    assert_eq!(changed.unwrap_err().rv(), Rv::ACTION_PROHIBITED);
}
