//! Lets the tests and binaries of this package find libtorch.

fn main() {
    sah_libtorch::link();
}
