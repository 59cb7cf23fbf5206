//! Programs that hold any PKCS#11 module to the standard and attack it.
//!
//! [`attacks`] tries to obtain keys it must not obtain; [`rules`] asks for the return codes that the standard
//! names. Both load the module by path, so that one run can put several modules side by side.
//!
//! ```text
//! eval "$(scripts/dev-up DIR --partitions 2)"
//! claviger-attacks --victim-label dev-2 --thorough
//! claviger-conformance
//! claviger-attacks --token name=one,module=one.so,label=L,pin=P,so_pin=S,victim=V \
//!                  --token name=other,module=other.so,label=L,pin=P,so_pin=S,env=CONF=/tmp/x --only T1,T9
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
