//! An allocator that leaves nothing behind.

use std::alloc::{GlobalAlloc, Layout, System};

use aws_lc_sys as sys;

/// The system's allocator, which wipes what is given back. For a program through which secrets go in the buffers of
/// libraries too: of parsers, of HTTP, of TLS.
#[derive(Clone, Copy, Debug)]
pub struct Wiping;

// SAFETY: every block comes from the system's allocator and goes back to it with the layout that it was asked for with. What
// `realloc` does is the trait's: a new block, a copy, and the old block given back, which wipes it.
unsafe impl GlobalAlloc for Wiping {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller vouches.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block has this size and is still the caller's.
        unsafe { sys::OPENSSL_cleanse(block.cast(), layout.size()) };
        // SAFETY: as the caller vouches.
        unsafe { System.dealloc(block, layout) };
    }
}
