//! Protobuf's wire format: tags, varints, fixed and length-delimited values. Every length is held against the bytes
//! that are there before anything is done with it.

use crate::lakehouse::decode::problem::{Fault, fault};

/// How a value lies in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WireType {
    Varint,
    Fixed64,
    Length,
    Fixed32,
}

impl WireType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Varint => "a varint",
            Self::Fixed64 => "a 64-bit value",
            Self::Length => "a length-delimited value",
            Self::Fixed32 => "a 32-bit value",
        }
    }
}

/// Bytes that are no protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Truncated,
    Varint,
    Tag,
    Group,
}

impl From<Malformed> for Fault {
    #[cold]
    fn from(malformed: Malformed) -> Self {
        fault(match malformed {
            Malformed::Truncated => "the message ends in the middle of a value",
            Malformed::Varint => "a varint is longer than 64 bits",
            Malformed::Tag => "a tag has no valid field number or wire type",
            Malformed::Group => "groups are not taken; use a nested message",
        })
    }
}

/// What is left of a message.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Field number and wire type of the value that follows.
    #[inline]
    pub(super) fn tag(&mut self) -> Result<(u32, WireType), Malformed> {
        let tag = u32::try_from(self.varint()?).map_err(|_| Malformed::Tag)?;
        let wire = match tag & 7 {
            0 => WireType::Varint,
            1 => WireType::Fixed64,
            2 => WireType::Length,
            3 | 4 => return Err(Malformed::Group),
            5 => WireType::Fixed32,
            _ => return Err(Malformed::Tag),
        };
        match tag >> 3 {
            0 => Err(Malformed::Tag),
            number => Ok((number, wire)),
        }
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        match self.0 {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            // The tenth byte has room for one bit.
            if index == 9 && *byte > 1 {
                return Err(Malformed::Varint);
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.0 = self.0.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(Malformed::Truncated)
    }

    #[inline]
    pub(super) fn fixed32(&mut self) -> Result<[u8; 4], Malformed> {
        let (value, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(*value)
    }

    #[inline]
    pub(super) fn fixed64(&mut self) -> Result<[u8; 8], Malformed> {
        let (value, rest) = self.0.split_first_chunk().ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(*value)
    }

    #[inline]
    pub(super) fn length_delimited(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.varint()?).map_err(|_| Malformed::Truncated)?;
        let (value, rest) = self.0.split_at_checked(length).ok_or(Malformed::Truncated)?;
        self.0 = rest;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_are_64_bits_at_most() {
        let varint = |bytes: &[u8]| Reader::new(bytes).varint();
        assert_eq!(varint(&[0x7f]), Ok(127));
        assert_eq!(varint(&[0xac, 0x02]), Ok(300));
        let largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(varint(&largest), Ok(u64::MAX));
        assert_eq!(varint(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]), Err(Malformed::Varint));
        assert_eq!(varint(&[0xff; 11]), Err(Malformed::Varint));
        assert_eq!(varint(&[0x80; 3]), Err(Malformed::Truncated));
        assert_eq!(varint(&[]), Err(Malformed::Truncated));
    }

    #[test]
    fn tags_have_a_field_number_and_a_wire_type_that_is_taken() {
        let tag = |bytes: &[u8]| Reader::new(bytes).tag();
        assert_eq!(tag(&[0x0a]), Ok((1, WireType::Length)));
        assert_eq!(tag(&[0xfd, 0xff, 0xff, 0xff, 0x0f]), Ok((536_870_911, WireType::Fixed32)));
        assert_eq!(tag(&[0x02]), Err(Malformed::Tag));
        assert_eq!(tag(&[0x0e]), Err(Malformed::Tag));
        assert_eq!(tag(&[0x0b]), Err(Malformed::Group));
        assert_eq!(tag(&[0x0c]), Err(Malformed::Group));
        assert_eq!(tag(&[0xff, 0xff, 0xff, 0xff, 0x7f]), Err(Malformed::Tag));
    }

    #[test]
    fn lengths_stay_within_the_message() {
        let mut reader = Reader::new(&[2, b'a', b'b', 3, b'c']);
        assert_eq!(reader.length_delimited(), Ok(b"ab".as_slice()));
        assert_eq!(reader.length_delimited(), Err(Malformed::Truncated));
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(Reader::new(&huge).length_delimited(), Err(Malformed::Truncated));
        assert_eq!(Reader::new(&[1, 2, 3]).fixed32(), Err(Malformed::Truncated));
        assert_eq!(Reader::new(&[0; 7]).fixed64(), Err(Malformed::Truncated));
    }
}
