//! Programs that hold any PKCS#11 module to the standard and attack it.
//!
//! [`attacks`] tries to obtain keys it must not obtain; [`rules`] asks for the return codes that the standard
//! names. Both load the module by path, so that one run can put several modules side by side.
//!
//! ```text
//! eval "$(scripts/dev-up DIR --partitions 2)"
//! claviger-attacks --victim-label dev-2
//! claviger-conformance
//! claviger-attacks --module /usr/lib/softhsm/libsofthsm2.so --label L --pin P --so-pin S --only T1,T9 --thorough
//! ```

pub mod attacks;
pub mod calls;
pub mod child;
pub mod ground;
pub mod mechanism;
pub mod module;
pub mod names;
pub mod options;
pub mod report;
pub mod rules;
pub mod session;
pub mod template;
