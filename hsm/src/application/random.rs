//! Random numbers.

use wire::Bytes;
use wire::calls::random::{GenerateRandom, RandomCalls, SeedRandom};

use super::Application;
use crate::error::Error;

/// The most random bytes of one call; the module asks again for more.
const MAX: u64 = 1 << 20;

impl RandomCalls for Application {
    fn seed_random(&self, call: SeedRandom<'_>) -> Result<(), Error> {
        self.session(call.session)?;
        crypto::random::add_seed(call.seed.0);
        Ok(())
    }

    fn generate_random(&self, call: GenerateRandom) -> Result<Bytes, Error> {
        self.session(call.session)?;
        let len = usize::try_from(call.len.min(MAX)).map_err(|_| Error::ArgumentsBad("a length"))?;
        Ok(crypto::random::bytes(len)?.into())
    }
}
