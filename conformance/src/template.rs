//! Attribute templates.

use cryptoki_sys as ck;

/// The pointer that a template's attribute carries, and the length it claims.
#[derive(Clone, Debug)]
enum Value {
    Bytes(Vec<u8>),
    /// A null pointer with a length, which a module must refuse unless the length is 0.
    Null(u64),
    /// Bytes whose stated length is not theirs. The module must not read past them.
    Lying(Vec<u8>, u64),
    Nested(Box<Template>),
}

/// A list of attributes, in the order they were added; nothing keeps it from being contradictory.
#[derive(Clone, Debug, Default)]
pub struct Template(Vec<(ck::CK_ATTRIBUTE_TYPE, Value)>);

impl Template {
    /// An empty template.
    pub fn new() -> Self {
        Self::default()
    }

    /// A secret key of `key_type`.
    pub fn secret(key_type: ck::CK_KEY_TYPE) -> Self {
        Self::new().ulong(ck::CKA_CLASS, ck::CKO_SECRET_KEY).ulong(ck::CKA_KEY_TYPE, key_type)
    }

    /// A public key of `key_type`.
    pub fn public(key_type: ck::CK_KEY_TYPE) -> Self {
        Self::new().ulong(ck::CKA_CLASS, ck::CKO_PUBLIC_KEY).ulong(ck::CKA_KEY_TYPE, key_type)
    }

    /// A private key of `key_type`.
    pub fn private(key_type: ck::CK_KEY_TYPE) -> Self {
        Self::new().ulong(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY).ulong(ck::CKA_KEY_TYPE, key_type)
    }

    /// A data object.
    pub fn data(label: &str, value: &[u8]) -> Self {
        Self::new()
            .ulong(ck::CKA_CLASS, ck::CKO_DATA)
            .bool(ck::CKA_TOKEN, false)
            .bytes(ck::CKA_LABEL, label.as_bytes())
            .bytes(ck::CKA_VALUE, value)
    }

    /// Adds a `CK_BBOOL`.
    #[must_use]
    pub fn bool(self, kind: ck::CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.bytes(kind, &[u8::from(value)])
    }

    /// Sets a `CK_BBOOL`, in place of one that is there already.
    #[must_use]
    pub fn but(mut self, kind: ck::CK_ATTRIBUTE_TYPE, value: bool) -> Self {
        self.0.retain(|(other, _)| *other != kind);
        self.bool(kind, value)
    }

    /// Adds several `CK_BBOOL`s that are all true.
    #[must_use]
    pub fn yes(mut self, kinds: &[ck::CK_ATTRIBUTE_TYPE]) -> Self {
        for kind in kinds {
            self = self.bool(*kind, true);
        }
        self
    }

    /// Adds several `CK_BBOOL`s that are all false.
    #[must_use]
    pub fn no(mut self, kinds: &[ck::CK_ATTRIBUTE_TYPE]) -> Self {
        for kind in kinds {
            self = self.bool(*kind, false);
        }
        self
    }

    /// Adds a `CK_ULONG`.
    #[must_use]
    pub fn ulong(self, kind: ck::CK_ATTRIBUTE_TYPE, value: u64) -> Self {
        self.bytes(kind, &value.to_ne_bytes())
    }

    /// Adds an array of `CK_ULONG`.
    #[must_use]
    pub fn ulongs(self, kind: ck::CK_ATTRIBUTE_TYPE, values: &[u64]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        self.bytes(kind, &bytes)
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn bytes(mut self, kind: ck::CK_ATTRIBUTE_TYPE, value: &[u8]) -> Self {
        self.0.push((kind, Value::Bytes(value.to_vec())));
        self
    }

    /// Adds a null pointer that claims `len` bytes.
    #[must_use]
    pub fn null(mut self, kind: ck::CK_ATTRIBUTE_TYPE, len: u64) -> Self {
        self.0.push((kind, Value::Null(len)));
        self
    }

    /// Adds bytes that claim to be `len` long.
    #[must_use]
    pub fn lying(mut self, kind: ck::CK_ATTRIBUTE_TYPE, value: &[u8], len: u64) -> Self {
        self.0.push((kind, Value::Lying(value.to_vec(), len)));
        self
    }

    /// Adds a template as the value of an attribute such as `CKA_UNWRAP_TEMPLATE`.
    #[must_use]
    pub fn nested(mut self, kind: ck::CK_ATTRIBUTE_TYPE, value: Self) -> Self {
        self.0.push((kind, Value::Nested(Box::new(value))));
        self
    }

    /// Adds every attribute of `other`.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }

    /// Runs `f` on the C form, which is valid only meanwhile.
    pub fn with_raw<R>(&self, f: impl FnOnce(&mut [ck::CK_ATTRIBUTE]) -> R) -> R {
        let mut inner: Vec<Vec<ck::CK_ATTRIBUTE>> = Vec::new();
        let mut raw: Vec<_> = self.0.iter().map(|(kind, value)| value.raw(*kind, &mut inner)).collect();
        f(&mut raw)
    }
}

impl Value {
    /// The C form; arrays of attributes live in `inner`.
    fn raw(&self, kind: ck::CK_ATTRIBUTE_TYPE, inner: &mut Vec<Vec<ck::CK_ATTRIBUTE>>) -> ck::CK_ATTRIBUTE {
        let (pointer, len) = match self {
            Self::Bytes(bytes) => (bytes.as_ptr().cast_mut(), bytes.len() as u64),
            Self::Null(len) => (std::ptr::null_mut(), *len),
            Self::Lying(bytes, len) => (bytes.as_ptr().cast_mut(), *len),
            Self::Nested(template) => {
                let mut array: Vec<_> =
                    template.0.iter().map(|(kind, value)| value.raw(*kind, inner)).collect();
                let place = (array.as_mut_ptr().cast(), size_of_val(array.as_slice()) as u64);
                inner.push(array);
                place
            }
        };
        ck::CK_ATTRIBUTE { type_: kind, pValue: pointer.cast(), ulValueLen: len }
    }
}
