//! Lets the program find libtorch.

fn main() {
    sah_libtorch::link();
}
