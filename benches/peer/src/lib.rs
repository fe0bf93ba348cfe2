//! Only the measurement in `benches/peer.rs` is of use.
