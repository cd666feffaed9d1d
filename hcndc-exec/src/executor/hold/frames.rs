//! Messages between an executor and a holder: a length of four bytes, little-endian, and JSON.

use std::io;

use serde::{Serialize, de::DeserializeOwned};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// The longest message. An order may be as long as the protocol of the executor lets it be, and JSON makes it longer.
const MOST_BYTES: u32 = 256 << 20;

/// Reads a message; `None` at the end, also within a message, for who wrote that is gone.
pub(super) async fn read<M: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> io::Result<Option<M>> {
    let length = match from.read_u32_le().await {
        Ok(length) if length <= MOST_BYTES => length,
        Ok(length) => {
            return Err(io::Error::other(format!(
                "a message of {length} bytes is longer than any"
            )));
        }
        Err(error) => return at_end(error),
    };
    let mut message = vec![0; length as usize];
    if let Err(error) = from.read_exact(&mut message).await {
        return at_end(error);
    }
    Ok(Some(serde_json::from_slice(&message)?))
}

fn at_end<M>(error: io::Error) -> io::Result<Option<M>> {
    match error.kind() {
        // The last is said of pipes.
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => Ok(None),
        _ => Err(error),
    }
}

/// Writes a message.
pub(super) async fn write<M: Serialize>(
    to: &mut (impl AsyncWrite + Unpin),
    message: &M,
) -> io::Result<()> {
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, message)?;
    let length = u32::try_from(frame.len() - 4)
        .ok()
        .filter(|length| *length <= MOST_BYTES)
        .ok_or_else(|| io::Error::other("a message is too long"))?;
    frame[..4].copy_from_slice(&length.to_le_bytes());
    to.write_all(&frame).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_message_that_is_cut_off_is_the_end() {
        let mut frames = Vec::new();
        write(&mut frames, &"one").await.unwrap();
        write(&mut frames, &"two").await.unwrap();
        for cut in 0..=frames.len() {
            let mut from = &frames[..cut];
            let mut read_back = Vec::new();
            while let Some(message) = read::<String>(&mut from).await.unwrap() {
                read_back.push(message);
            }
            assert_eq!(read_back.len(), cut / (frames.len() / 2));
        }
    }
}
