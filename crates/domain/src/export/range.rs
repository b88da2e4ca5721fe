//! Which part of a file a download asks for (RFC 9110, 14): one range of bytes, so that a download that broke off goes on.

/// A part of a file, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it: nothing was asked for, or something that a server may pass over.
    Whole,
    /// From the first byte to the last, both included, counted from 0.
    From(u64, u64),
    /// There is no such part.
    Nowhere,
}

/// The part that the `Range` header asks for of a file of so many bytes. Several ranges at once, and what is of another form,
/// are passed over (RFC 9110, 14.2).
pub fn part(range: Option<&str>, bytes: u64) -> Part {
    let Some(spec) = range.and_then(|text| text.trim().strip_prefix("bytes=")) else {
        return Part::Whole;
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Part::Whole;
    };
    let end = bytes.saturating_sub(1);
    let number = |text: &str| -> Option<u64> {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(length)) if length == 0 || bytes == 0 => Part::Nowhere,
        ("", _, _, Some(length)) => Part::From(bytes.saturating_sub(length), end),
        (_, Some(first), "", _) if first < bytes => Part::From(first, end),
        (_, Some(first), _, Some(last)) if last < first => Part::Whole,
        (_, Some(first), _, Some(last)) if first < bytes => Part::From(first, last.min(end)),
        (_, Some(_), "", _) | (_, Some(_), _, Some(_)) => Part::Nowhere,
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_range_is_served() {
        for (range, expected) in [
            (None, Part::Whole),
            (Some("bytes=0-"), Part::From(0, 99)),
            (Some("bytes=10-19"), Part::From(10, 19)),
            (Some("bytes=90-200"), Part::From(90, 99)),
            (Some("bytes=-10"), Part::From(90, 99)),
            (Some("bytes=-500"), Part::From(0, 99)),
            (Some("bytes=100-"), Part::Nowhere),
            (Some("bytes=-0"), Part::Nowhere),
            (Some("bytes=5-4"), Part::Whole),
            (Some("bytes=0-1,5-6"), Part::Whole),
            (Some("bytes=a-b"), Part::Whole),
            (Some("lines=0-1"), Part::Whole),
            (Some("bytes=99999999999999999999999-"), Part::Nowhere),
        ] {
            assert_eq!(part(range, 100), expected, "{range:?}");
        }
        assert_eq!(part(Some("bytes=-5"), 0), Part::Nowhere);
    }

    proptest! {
        #[test]
        fn no_part_lies_outside(range in "(bytes=)?[0-9]{0,22}-?[0-9,]{0,22}", bytes in 0_u64..1_000) {
            if let Part::From(first, last) = part(Some(&range), bytes) {
                prop_assert!(first <= last && last < bytes);
            }
        }
    }
}
