//! The oracle's own reader: `minicbor` walks, and values of `ciborium` are what comes out. What `ciborium` has no value for,
//! a simple value without a meaning, becomes a tag of nothing.

use ciborium::Value;
use minicbor::Decoder;
use minicbor::data::Type;

/// One item, and nothing behind it.
pub(super) fn read(bytes: &[u8]) -> Option<Value> {
    let mut decoder = Decoder::new(bytes);
    let value = item(&mut decoder)?;
    (decoder.position() == bytes.len()).then_some(value)
}

fn item(from: &mut Decoder<'_>) -> Option<Value> {
    Some(match from.datatype().ok()? {
        Type::Bytes | Type::BytesIndef => Value::Bytes(
            from.bytes_iter()
                .ok()?
                .collect::<Result<Vec<_>, _>>()
                .ok()?
                .concat(),
        ),
        Type::String | Type::StringIndef => {
            Value::Text(from.str_iter().ok()?.collect::<Result<String, _>>().ok()?)
        }
        Type::Array | Type::ArrayIndef => {
            let count = from.array().ok()?;
            Value::Array(several(from, count, item)?)
        }
        Type::Map | Type::MapIndef => {
            let count = from.map().ok()?;
            Value::Map(several(from, count, |from| Some((item(from)?, item(from)?)))?)
        }
        Type::Tag => {
            let tag = from.tag().ok()?.as_u64();
            Value::Tag(tag, Box::new(item(from)?))
        }
        Type::Bool => Value::Bool(from.bool().ok()?),
        Type::Null | Type::Undefined => {
            from.skip().ok()?;
            Value::Null
        }
        Type::Simple => Value::Tag(from.simple().ok()?.into(), Box::new(Value::Null)),
        Type::F16 | Type::F32 | Type::F64 => Value::Float(float(from)?),
        Type::Break | Type::Unknown(_) => return None,
        _ => Value::Integer(i128::from(from.int().ok()?).try_into().ok()?),
    })
}

fn float(from: &mut Decoder<'_>) -> Option<f64> {
    match from.datatype().ok()? {
        Type::F16 => from.f16().ok().map(f64::from),
        Type::F32 => from.f32().ok().map(f64::from),
        _ => from.f64().ok(),
    }
}

fn several<'b, T>(
    from: &mut Decoder<'b>,
    count: Option<u64>,
    mut one: impl FnMut(&mut Decoder<'b>) -> Option<T>,
) -> Option<Vec<T>> {
    if let Some(count) = count {
        return (0..count).map(|_| one(from)).collect();
    }
    let mut all = Vec::new();
    while from.datatype().ok()? != Type::Break {
        all.push(one(from)?);
    }
    from.skip().ok()?;
    Some(all)
}
