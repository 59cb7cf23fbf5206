//! The mechanisms, each held to vectors from outside and to another implementation, through its row.
//!
//! Vectors are those of Wycheproof, NIST and RFCs. The other implementations are RustCrypto's and dalek's, which share
//! no code with AWS-LC. `registry.rs` fails if a mechanism is in neither list.
#![forbid(unsafe_code)]

mod aead;
mod blocks;
mod curves;
mod dh;
mod digests;
mod dsa;
mod edwards;
mod generate;
mod key_agreement;
mod keywrap;
mod macs;
mod national;
mod properties;
mod refusals;
mod registry;
mod rsa_encryption;
mod rsa_signatures;
mod support;
