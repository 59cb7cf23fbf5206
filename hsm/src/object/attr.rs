//! The numbers of the standard's attributes, with their names.

use std::fmt;

use wire::AttributeType;

/// An attribute's type; prints as the standard names it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attr(pub u64);

impl From<AttributeType> for Attr {
    fn from(kind: AttributeType) -> Self {
        Self(kind.0)
    }
}

impl From<Attr> for AttributeType {
    fn from(attribute: Attr) -> Self {
        Self(attribute.0)
    }
}

macro_rules! names {
    ($($name:ident = $value:literal;)*) => {
        #[allow(missing_docs)]
        impl Attr {
            $(pub const $name: Self = Self($value);)*

            /// The standard's name without its prefix, such as `MODULUS_BITS`.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

names! {
    CLASS = 0x0;
    TOKEN = 0x1;
    PRIVATE = 0x2;
    LABEL = 0x3;
    UNIQUE_ID = 0x4;
    APPLICATION = 0x10;
    VALUE = 0x11;
    OBJECT_ID = 0x12;
    CERTIFICATE_TYPE = 0x80;
    ISSUER = 0x81;
    SERIAL_NUMBER = 0x82;
    AC_ISSUER = 0x83;
    OWNER = 0x84;
    ATTR_TYPES = 0x85;
    TRUSTED = 0x86;
    CERTIFICATE_CATEGORY = 0x87;
    JAVA_MIDP_SECURITY_DOMAIN = 0x88;
    URL = 0x89;
    HASH_OF_SUBJECT_PUBLIC_KEY = 0x8a;
    HASH_OF_ISSUER_PUBLIC_KEY = 0x8b;
    NAME_HASH_ALGORITHM = 0x8c;
    CHECK_VALUE = 0x90;
    KEY_TYPE = 0x100;
    SUBJECT = 0x101;
    ID = 0x102;
    SENSITIVE = 0x103;
    ENCRYPT = 0x104;
    DECRYPT = 0x105;
    WRAP = 0x106;
    UNWRAP = 0x107;
    SIGN = 0x108;
    SIGN_RECOVER = 0x109;
    VERIFY = 0x10a;
    VERIFY_RECOVER = 0x10b;
    DERIVE = 0x10c;
    START_DATE = 0x110;
    END_DATE = 0x111;
    MODULUS = 0x120;
    MODULUS_BITS = 0x121;
    PUBLIC_EXPONENT = 0x122;
    PRIVATE_EXPONENT = 0x123;
    PRIME_1 = 0x124;
    PRIME_2 = 0x125;
    EXPONENT_1 = 0x126;
    EXPONENT_2 = 0x127;
    COEFFICIENT = 0x128;
    PUBLIC_KEY_INFO = 0x129;
    PRIME = 0x130;
    SUBPRIME = 0x131;
    BASE = 0x132;
    PRIME_BITS = 0x133;
    SUBPRIME_BITS = 0x134;
    VALUE_BITS = 0x160;
    VALUE_LEN = 0x161;
    EXTRACTABLE = 0x162;
    LOCAL = 0x163;
    NEVER_EXTRACTABLE = 0x164;
    ALWAYS_SENSITIVE = 0x165;
    KEY_GEN_MECHANISM = 0x166;
    MODIFIABLE = 0x170;
    COPYABLE = 0x171;
    DESTROYABLE = 0x172;
    EC_PARAMS = 0x180;
    EC_POINT = 0x181;
    ALWAYS_AUTHENTICATE = 0x202;
    WRAP_WITH_TRUSTED = 0x210;
    OTP_FORMAT = 0x220;
    OTP_LENGTH = 0x221;
    OTP_TIME_INTERVAL = 0x222;
    OTP_USER_FRIENDLY_MODE = 0x223;
    OTP_CHALLENGE_REQUIREMENT = 0x224;
    OTP_TIME_REQUIREMENT = 0x225;
    OTP_COUNTER_REQUIREMENT = 0x226;
    OTP_PIN_REQUIREMENT = 0x227;
    OTP_USER_IDENTIFIER = 0x22a;
    OTP_SERVICE_IDENTIFIER = 0x22b;
    OTP_SERVICE_LOGO = 0x22c;
    OTP_SERVICE_LOGO_TYPE = 0x22d;
    OTP_COUNTER = 0x22e;
    OTP_TIME = 0x22f;
    GOSTR3410_PARAMS = 0x250;
    GOSTR3411_PARAMS = 0x251;
    GOST28147_PARAMS = 0x252;
    HW_FEATURE_TYPE = 0x300;
    RESET_ON_INIT = 0x301;
    HAS_RESET = 0x302;
    PIXEL_X = 0x400;
    PIXEL_Y = 0x401;
    RESOLUTION = 0x402;
    CHAR_ROWS = 0x403;
    CHAR_COLUMNS = 0x404;
    COLOR = 0x405;
    BITS_PER_PIXEL = 0x406;
    CHAR_SETS = 0x480;
    ENCODING_METHODS = 0x481;
    MIME_TYPES = 0x482;
    MECHANISM_TYPE = 0x500;
    REQUIRED_CMS_ATTRIBUTES = 0x501;
    DEFAULT_CMS_ATTRIBUTES = 0x502;
    SUPPORTED_CMS_ATTRIBUTES = 0x503;
    PROFILE_ID = 0x601;
    X2RATCHET_BAG = 0x602;
    X2RATCHET_BAGSIZE = 0x603;
    X2RATCHET_BOBS1STMSG = 0x604;
    X2RATCHET_CKR = 0x605;
    X2RATCHET_CKS = 0x606;
    X2RATCHET_DHP = 0x607;
    X2RATCHET_DHR = 0x608;
    X2RATCHET_DHS = 0x609;
    X2RATCHET_HKR = 0x60a;
    X2RATCHET_HKS = 0x60b;
    X2RATCHET_ISALICE = 0x60c;
    X2RATCHET_NHKR = 0x60d;
    X2RATCHET_NHKS = 0x60e;
    X2RATCHET_NR = 0x60f;
    X2RATCHET_NS = 0x610;
    X2RATCHET_PNS = 0x611;
    X2RATCHET_RK = 0x612;
    HSS_LEVELS = 0x617;
    HSS_LMS_TYPE = 0x618;
    HSS_LMOTS_TYPE = 0x619;
    HSS_LMS_TYPES = 0x61a;
    HSS_LMOTS_TYPES = 0x61b;
    HSS_KEYS_REMAINING = 0x61c;
    PARAMETER_SET = 0x61d;
    OBJECT_VALIDATION_FLAGS = 0x61e;
    VALIDATION_TYPE = 0x61f;
    VALIDATION_VERSION = 0x620;
    VALIDATION_LEVEL = 0x621;
    VALIDATION_MODULE_ID = 0x622;
    VALIDATION_FLAG = 0x623;
    VALIDATION_AUTHORITY_TYPE = 0x624;
    VALIDATION_COUNTRY = 0x625;
    VALIDATION_CERTIFICATE_IDENTIFIER = 0x626;
    VALIDATION_CERTIFICATE_URI = 0x627;
    VALIDATION_VENDOR_URI = 0x628;
    VALIDATION_PROFILE = 0x629;
    ENCAPSULATE_TEMPLATE = 0x62a;
    DECAPSULATE_TEMPLATE = 0x62b;
    TRUST_SERVER_AUTH = 0x62c;
    TRUST_CLIENT_AUTH = 0x62d;
    TRUST_CODE_SIGNING = 0x62e;
    TRUST_EMAIL_PROTECTION = 0x62f;
    TRUST_IPSEC_IKE = 0x630;
    TRUST_TIME_STAMPING = 0x631;
    TRUST_OCSP_SIGNING = 0x632;
    ENCAPSULATE = 0x633;
    DECAPSULATE = 0x634;
    HASH_OF_CERTIFICATE = 0x635;
    PUBLIC_CRC64_VALUE = 0x636;
    SEED = 0x637;
    WRAP_TEMPLATE = 0x40000211;
    UNWRAP_TEMPLATE = 0x40000212;
    DERIVE_TEMPLATE = 0x40000213;
    ALLOWED_MECHANISMS = 0x40000600;
}

impl Attr {
    /// What a key has been used for ([`super::roles::Roles::used`]). Stored with the object, in no table: nobody
    /// reads or sets it from outside.
    pub const ROLES_USED: Self = Self(0x8000_0000_436c_0001);
    /// That a key came from elsewhere with what was known of it there. Stored with it and its copies, in no
    /// table: nobody reads or sets it from outside.
    pub const IMPORTED: Self = Self(0x8000_0000_436c_0002);
    /// That the service whose key it is lets nobody use it. Stored with the object, in no table: nobody reads or
    /// sets it from outside.
    pub const SUSPENDED: Self = Self(0x8000_0000_436c_0003);
    /// The quorum of a key ([`crate::quorum::KeyQuorum`]), in a file of clones: in a partition it is not the
    /// object's, but the key's. In no table.
    pub const KEY_QUORUM: Self = Self(0x8000_0000_436c_0004);
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "CKA_{name}"),
            None => write!(f, "CKA_{:#x}", self.0),
        }
    }
}

impl fmt::Debug for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
