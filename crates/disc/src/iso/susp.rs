//! The system use area of a record (SUSP, IEEE P1281): small fields, going on in other places.

use crate::error::DiscError;
use crate::source::{Source, View};

/// A continuation area lies within a block; some writers let it run on.
const AREA_MAX: u64 = 32768;

/// What is done with a field: its signature, and the field with its header.
type Each<'e> = dyn FnMut([u8; 2], &View<'_>) -> Result<(), DiscError> + 'e;

/// Goes over every field of an area and of those that continue it.
pub fn fields(
    source: &mut Source<'_>,
    area: &View<'_>,
    skip: usize,
    block: u64,
    each: &mut Each<'_>,
) -> Result<(), DiscError> {
    let from = skip.min(area.bytes.len());
    let rest = area.bytes.len().saturating_sub(from);
    let mut next = one_area(&area.inner(area.what, from, rest)?, each)?;
    let mut hops = 0;
    while let Some(place) = next {
        hops = hop(source, hops, area.at)?;
        let at = u64::from(place.block).saturating_mul(block).saturating_add(place.offset);
        if place.length > AREA_MAX {
            let found = format!("it goes on in {} bytes elsewhere", place.length);
            return Err(area.broken(0, found));
        }
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        let bytes = source.bytes("a continuation area of Rock Ridge", at, length)?;
        next = one_area(&View::new("a continuation area of Rock Ridge", at, &bytes), each)?;
    }
    Ok(())
}

/// One more hop, if there may be one. A circle ends here too.
fn hop(source: &Source<'_>, hops: u32, at: u64) -> Result<u32, DiscError> {
    let most = source.limits().continuation_hops_max;
    if hops >= most {
        let (limit, most) = ("continuation_hops_max", u64::from(most));
        return Err(DiscError::TooMuch { limit, most, at });
    }
    Ok(hops.saturating_add(1))
}

/// Where an area goes on (SUSP, 5.1).
struct Continued {
    block: u32,
    offset: u64,
    length: u64,
}

fn one_area(area: &View<'_>, each: &mut Each<'_>) -> Result<Option<Continued>, DiscError> {
    let mut next = None;
    let mut from = 0_usize;
    // What is shorter than a field's header is padding.
    while area.bytes.len().saturating_sub(from) >= 4 {
        let length = usize::from(area.u8(from.saturating_add(2))?);
        if area.u8(from)? == 0 {
            break;
        }
        if length < 4 {
            return Err(
                area.broken(from, format!("a field of {length} bytes, where it has 4 or more"))
            );
        }
        let field = area.inner("a field of Rock Ridge", from, length)?;
        match [field.u8(0)?, field.u8(1)?] {
            [b'S', b'T'] => break,
            [b'C', b'E'] => {
                let (offset, length) = (u64::from(field.u32(12)?), u64::from(field.u32(20)?));
                next = Some(Continued { block: field.u32(4)?, offset, length });
            }
            signature => each(signature, &field)?,
        }
        from = from.saturating_add(length);
    }
    Ok(next)
}
