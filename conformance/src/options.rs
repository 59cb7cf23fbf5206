//! The options that both programs share.

use std::path::PathBuf;

use clap::Args;

/// Which module, which token, which PINs.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// Path of the PKCS#11 module
    #[arg(long, env = "P11_MODULE")]
    pub module: PathBuf,
    /// Label of the token
    #[arg(long, env = "P11_LABEL")]
    pub label: String,
    /// The user's PIN
    #[arg(long, env = "P11_PIN", hide_env_values = true)]
    pub pin: String,
    /// The security officer's PIN
    #[arg(long, env = "P11_SO_PIN", hide_env_values = true)]
    pub so_pin: String,
}
