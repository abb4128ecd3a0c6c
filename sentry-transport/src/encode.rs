//! Envelopes as request bodies: gzip where it pays, into buffers that are used again.

use std::io::{self, Write};
use std::time::SystemTime;

use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use sentry_core::wire::EncodedEnvelope;

/// What goes into a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) is_gzip: bool,
}

/// The buffers of one sender, and its compressor, whose tables are the costly part.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    plain: Vec<u8>,
    packed: Vec<u8>,
    compressor: Option<Compress>,
}

impl Encoder {
    /// The body of a request that leaves at `sent_at`.
    pub(crate) fn encode(&mut self, envelope: &EncodedEnvelope, sent_at: SystemTime) -> io::Result<Body<'_>> {
        self.plain.clear();
        self.plain.shrink_to(BUFFER_TO_KEEP);
        self.packed.clear();
        self.packed.shrink_to(BUFFER_TO_KEEP);
        envelope.write(sent_at, &mut self.plain)?;
        if self.plain.len() <= WORTH_COMPRESSING {
            return Ok(Body { bytes: &self.plain, is_gzip: false });
        }
        let compressor = self.compressor.get_or_insert_with(|| Compress::new(Compression::fast(), false));
        compressor.reset();
        gzip(&self.plain, compressor, &mut self.packed)?;
        Ok(Body { bytes: &self.packed, is_gzip: true })
    }
}

/// RFC 1952: a header without name and time, the deflated bytes, their checksum and length.
fn gzip(plain: &[u8], compressor: &mut Compress, packed: &mut Vec<u8>) -> io::Result<()> {
    packed.write_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255])?;
    let mut rest = plain;
    loop {
        packed.reserve(rest.len() / 4 + 1024);
        let before = compressor.total_in();
        let status = compressor.compress_vec(rest, packed, FlushCompress::Finish).map_err(io::Error::other)?;
        let taken = usize::try_from(compressor.total_in() - before).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        if status == Status::StreamEnd {
            break;
        }
    }
    let mut checksum = Crc::new();
    checksum.update(plain);
    packed.write_all(&checksum.sum().to_le_bytes())?;
    packed.write_all(&checksum.amount().to_le_bytes())
}

/// Below, the request is one packet either way.
const WORTH_COMPRESSING: usize = 1024;
/// An envelope with large attachments is rare: its buffers are not kept for the next one.
const BUFFER_TO_KEEP: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;
    use sentry_core::protocol::{Attachment, Envelope};

    use super::*;

    fn envelope(payload: Vec<u8>) -> EncodedEnvelope {
        let mut envelope = Envelope::new();
        envelope.add_item(Attachment { buffer: payload, ..Attachment::default() });
        EncodedEnvelope::encode(envelope, &sentry_core::sdk_info()).envelope
    }

    fn written(envelope: &EncodedEnvelope) -> Vec<u8> {
        let mut plain = Vec::new();
        envelope.write(SystemTime::UNIX_EPOCH, &mut plain).unwrap();
        plain
    }

    fn unpacked(body: Body<'_>) -> Vec<u8> {
        assert!(body.is_gzip);
        let mut plain = Vec::new();
        GzDecoder::new(body.bytes).read_to_end(&mut plain).unwrap();
        plain
    }

    #[test]
    fn small_bodies_stay_plain() {
        let small = envelope(b"tiny".to_vec());
        let mut encoder = Encoder::default();
        let body = encoder.encode(&small, SystemTime::UNIX_EPOCH).unwrap();
        assert!(!body.is_gzip);
        assert_eq!(body.bytes, written(&small));
    }

    #[test]
    fn large_buffers_go_back() {
        let mut encoder = Encoder::default();
        encoder.encode(&envelope(vec![7; 4 << 20]), SystemTime::UNIX_EPOCH).unwrap();
        encoder.encode(&envelope(Vec::new()), SystemTime::UNIX_EPOCH).unwrap();
        assert!(encoder.plain.capacity() <= BUFFER_TO_KEEP, "{}", encoder.plain.capacity());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn bodies_survive_the_same_encoder_one_after_the_other(
            bodies in prop::collection::vec((any::<u64>(), 1_024usize..200_000, 1u64..256), 1..4)
        ) {
            let mut encoder = Encoder::default();
            for (seed, len, distinct) in bodies {
                // From noise (distinct = 255) to one byte repeated.
                let noise = (0..len as u64).map(|n| ((n.wrapping_mul(seed | 1) >> 24) % distinct) as u8);
                let envelope = envelope(noise.collect());
                let body = encoder.encode(&envelope, SystemTime::UNIX_EPOCH).unwrap();
                prop_assert_eq!(unpacked(body), written(&envelope));
            }
        }
    }
}
