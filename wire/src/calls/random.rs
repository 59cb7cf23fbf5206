//! Random numbers (PKCS#11 3.2, "Random number generation functions").

use crate::{Bytes, SessionHandle, Slice};

use super::calls;

calls! {
    /// The calls of this section.
    RandomCalls;

    /// `C_SeedRandom`
    0x1101 seed_random SeedRandom<'a> { session: SessionHandle, seed: Slice<'a> } -> ();
    /// `C_GenerateRandom`
    0x1102 generate_random GenerateRandom { session: SessionHandle, len: u64 } -> Bytes;
}
