//! Messages between schedulers and executors.

use std::fmt::Debug;

use hcndc_core::{
    engine::{End, Held, RunOrder},
    port::LogRead,
};
use hcndc_exec::{
    link::{Down, Refusal, Up},
    wire,
};
use prost::Message;

/// Any bytes are a message of each kind, or refused; what is one means the same after another trip over the wire.
///
/// # Panics
/// If that is not so.
pub fn wire(data: &[u8]) {
    round_trip::<wire::ToExecutor, Down>(data);
    round_trip::<wire::RunOrder, RunOrder>(data);
    round_trip::<wire::FromExecutor, Up>(data);
    round_trip::<wire::Held, Held>(data);
    round_trip::<wire::End, End>(data);
    round_trip::<wire::Refused, Refusal>(data);
    round_trip::<wire::ReadLogRequest, wire::ReadLogRequest>(data);
    round_trip::<wire::ReadLogReply, LogRead>(data);
}

fn round_trip<W, T>(data: &[u8])
where
    W: Message + Default + From<T>,
    T: TryFrom<W> + Clone + Debug + PartialEq,
{
    let Some(value) = read::<W, T>(data) else {
        return;
    };
    let bytes = W::from(value.clone()).encode_to_vec();
    assert_eq!(read::<W, T>(&bytes), Some(value));
}

fn read<W: Message + Default, T: TryFrom<W>>(data: &[u8]) -> Option<T> {
    W::decode(data).ok()?.try_into().ok()
}
