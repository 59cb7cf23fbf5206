//! The C functions, a file for each section of the standard, and the lists that name them.
//!
//! Each takes the caller's raw arguments, makes one safe call, and does nothing else. All of them are exported
//! as symbols as well as by the lists in [`table`].

use cryptoki_sys::CK_VERSION;
use wire::Rv;

pub mod table;

/// Functions that nothing stands behind.
macro_rules! unsupported {
    ($($name:ident($($ty:ty),*);)*) => {$(
        /// # Safety
        /// None: no argument is used.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($(_: $ty),*) -> cryptoki_sys::CK_RV {
            $crate::process::enter(|_| Err(wire::Rv::FUNCTION_NOT_SUPPORTED))
        }
    )*};
}

macro_rules! sections {
    ($($section:ident)*) => {$(
        #[allow(unsafe_code, non_snake_case)]
        mod $section;
        pub use $section::*;
    )*};
}

sections! {
    general slot session object encrypt decrypt digest sign verify dual key random parallel
    message asynchronous later
}

/// The arguments of a function that works in an operation. What the module refuses ends the operation, as an
/// error of the daemon would (PKCS#11 3.2, "C_Encrypt" and the like); that the session is not one, or has no
/// such operation, is said first.
fn or_end<T>(arguments: Result<T, Rv>, end: impl FnOnce() -> Result<(), Rv>) -> Result<T, Rv> {
    arguments.map_err(|refusal| match end() {
        Err(rv @ (Rv::SESSION_HANDLE_INVALID | Rv::OPERATION_NOT_INITIALIZED)) => rv,
        _ => refusal,
    })
}

const fn version((major, minor): (u8, u8)) -> CK_VERSION {
    CK_VERSION { major, minor }
}

/// A text as the standard's structures hold it: cut between characters if it is too long, filled up with
/// blanks, and with no NUL at its end.
fn padded<const LEN: usize>(text: &str) -> [u8; LEN] {
    let mut padded = [b' '; LEN];
    let end = (0..=text.len().min(LEN)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    for (to, from) in padded.iter_mut().zip(text.bytes().take(end)) {
        *to = from;
    }
    padded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_up_with_blanks() {
        assert_eq!(&padded::<8>("abc"), b"abc     ");
        assert_eq!(&padded::<4>("abcd"), b"abcd");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        assert_eq!(&padded::<4>("abcéf"), b"abc ");
        assert_eq!(&padded::<5>("abcéf"), "abcé".as_bytes());
    }
}
