//! Lines as JSON, byte for byte what serde_json writes. Of the two that there are for each output, what is the same in all stands here as
//! one text; a text that has nothing to be escaped, which nearly all have, is copied. All else serde_json writes.

use std::borrow::Cow;

use serde::Serialize;

use super::line::{Cached, Ended, Given, Input, Line, There};
use crate::model::fingerprint::Fingerprint;
use crate::model::provenance::Reasons;

/// Appends the line.
pub(super) fn append(line: &Line<'_>, out: &mut Vec<u8>) {
    match line {
        Line::Ended(ended) => append_ended(ended, out),
        Line::Cached(cached) => append_cached(cached, out),
        _ => by_serde_json(line, out),
    }
}

/// Appends the line of a run that has ended.
pub(super) fn append_ended(ended: &Ended<'_>, out: &mut Vec<u8>) {
    // Without `..`, as below: a field that is not written here does not compile.
    let Ended {
        task,
        name,
        target,
        store,
        is_part,
        is_lazy,
        state,
        why,
        stale,
        at,
        elapsed,
        submitted,
        loading,
        saving,
        memory,
        worker,
        elsewhere,
        attempt,
        bytes,
        error,
        root,
        there,
        now,
        format,
        given,
        recorded,
        logged,
    } = ended;
    field(out, r#"{"ended":{"task":"#, task);
    field(out, r#","name":"#, name);
    field_if_any(out, r#","target":"#, target);
    field_if_any(out, r#","store":"#, store);
    field_if_any(out, r#","is_part":"#, is_part);
    field_if_any(out, r#","is_lazy":"#, is_lazy);
    field(out, r#","state":"#, &Other(state));
    field(out, r#","why":"#, &Other(why));
    field_if_any(out, r#","stale":"#, stale);
    field(out, r#","at":"#, at);
    field(out, r#","elapsed":"#, elapsed);
    field_if_any(out, r#","submitted":"#, submitted);
    field_if_any(out, r#","loading":"#, loading);
    field_if_any(out, r#","saving":"#, saving);
    field_if_any(out, r#","memory":"#, memory);
    field(out, r#","worker":"#, worker);
    field_if_any(out, r#","elsewhere":"#, elsewhere);
    field(out, r#","attempt":"#, attempt);
    field_if_any(out, r#","bytes":"#, bytes);
    field_if_any(out, r#","error":"#, error);
    field_if_any(out, r#","root":"#, root);
    field_if_any(out, r#","there":"#, there);
    field_if_any(out, r#","now":"#, now);
    field_if_any(out, r#","format":"#, format);
    field_if_any(out, r#","given":"#, given);
    if !recorded.is_empty() {
        field(out, r#","recorded":"#, &Other(recorded));
    }
    if !logged.is_empty() {
        field(out, r#","logged":"#, &Other(logged));
    }
    out.extend_from_slice(b"}}");
}

fn append_cached(cached: &Cached<'_>, out: &mut Vec<u8>) {
    let Cached { task, target, store, is_part, is_lazy } = cached;
    field(out, r#"{"cached":{"task":"#, task);
    field(out, r#","target":"#, target);
    field_if_any(out, r#","store":"#, store);
    field_if_any(out, r#","is_part":"#, is_part);
    field_if_any(out, r#","is_lazy":"#, is_lazy);
    out.extend_from_slice(b"}}");
}

/// What is a part of these lines.
trait Part {
    fn append(&self, out: &mut Vec<u8>);

    /// Whether it is left out where it may be.
    fn is_none(&self) -> bool {
        false
    }
}

/// What comes before the value, and the value.
#[inline]
fn field(out: &mut Vec<u8>, before: &'static str, value: &impl Part) {
    out.extend_from_slice(before.as_bytes());
    value.append(out);
}

#[inline]
fn field_if_any(out: &mut Vec<u8>, before: &'static str, value: &impl Part) {
    if !value.is_none() {
        field(out, before, value);
    }
}

/// Into memory, and of types that can be written: there is no error.
fn by_serde_json<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, value);
}

/// What few lines have, and what has no part of its own.
struct Other<'v, T>(&'v T);

impl<T: Serialize> Part for Other<'_, T> {
    fn append(&self, out: &mut Vec<u8>) {
        by_serde_json(self.0, out);
    }
}

macro_rules! by_serde_json {
    ($($type:ty, $none:expr;)*) => {$(
        impl Part for $type {
            fn append(&self, out: &mut Vec<u8>) {
                by_serde_json(self, out);
            }

            fn is_none(&self) -> bool {
                *self == $none
            }
        }
    )*};
}

by_serde_json! {
    bool, false;
    u32, 0;
    u64, 0;
    f32, 0.0;
    f64, 0.0;
    Reasons, Reasons::default();
}

impl Part for Cow<'_, str> {
    fn append(&self, out: &mut Vec<u8>) {
        // Without an early end, so that many bytes are looked at at once.
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if !self.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return by_serde_json(self, out);
        }
        out.push(b'"');
        out.extend_from_slice(self.as_bytes());
        out.push(b'"');
    }

    fn is_none(&self) -> bool {
        self.is_empty()
    }
}

impl<P: Part> Part for Option<P> {
    fn append(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|value| value.append(out));
    }

    fn is_none(&self) -> bool {
        Option::is_none(self)
    }
}

impl<P: Part> Part for Vec<P> {
    fn append(&self, out: &mut Vec<u8>) {
        for (place, part) in self.iter().enumerate() {
            out.push(if place == 0 { b'[' } else { b',' });
            part.append(out);
        }
        out.push(b']');
    }

    fn is_none(&self) -> bool {
        self.is_empty()
    }
}

impl Part for Fingerprint {
    fn append(&self, out: &mut Vec<u8>) {
        append_digits(self.digits(), out);
    }
}

/// One that may not be known, and has its place all the same.
struct OrZero(Option<Fingerprint>);

impl Part for OrZero {
    fn append(&self, out: &mut Vec<u8>) {
        append_digits(self.0.map_or([b'0'; 32], Fingerprint::digits), out);
    }
}

fn append_digits(digits: [u8; 32], out: &mut Vec<u8>) {
    let mut text = [b'"'; 34];
    text[1..33].copy_from_slice(&digits);
    out.extend_from_slice(&text);
}

impl Part for (Fingerprint, Option<Fingerprint>) {
    fn append(&self, out: &mut Vec<u8>) {
        field(out, "[", &self.0);
        field(out, ",", &OrZero(self.1));
        out.push(b']');
    }
}

impl Part for There {
    fn append(&self, out: &mut Vec<u8>) {
        let There { content, stamp, bytes, code, arguments, inputs, format, original } = self;
        field(out, r#"{"content":"#, &OrZero(*content));
        field(out, r#","stamp":"#, stamp);
        field(out, r#","bytes":"#, bytes);
        field(out, r#","code":"#, &OrZero(*code));
        field(out, r#","arguments":"#, &OrZero(*arguments));
        field(out, r#","inputs":"#, &OrZero(*inputs));
        field_if_any(out, r#","format":"#, format);
        field_if_any(out, r#","original":"#, original);
        out.push(b'}');
    }
}

impl Part for Given<'_> {
    fn append(&self, out: &mut Vec<u8>) {
        let Given { name, fingerprint, value, inputs } = self;
        field(out, r#"{"name":"#, name);
        field(out, r#","fingerprint":"#, &OrZero(*fingerprint));
        field_if_any(out, r#","value":"#, value);
        field_if_any(out, r#","inputs":"#, inputs);
        out.push(b'}');
    }
}

impl Part for Input<'_> {
    fn append(&self, out: &mut Vec<u8>) {
        let Input { target, store, source, content } = self;
        field(out, r#"{"target":"#, target);
        field_if_any(out, r#","store":"#, store);
        field_if_any(out, r#","source":"#, source);
        field(out, r#","content":"#, &OrZero(*content));
        out.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use super::append;
    use crate::journal::{Cached, Ended, Given, Input, Line, Logged, Over, Recorded, There, Why};
    use crate::model::fingerprint::Fingerprint;
    use crate::model::provenance::{Provenance, Reasons};
    use crate::model::state::State;
    use crate::store::Stamp;

    fn assert_same(line: &Line<'_>) {
        let mut ours = b"before".to_vec();
        append(line, &mut ours);
        let theirs = serde_json::to_string(line).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), format!("before{theirs}"));
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let print = |number| Some(Fingerprint::new(number));
        let mut ended = Ended::new(3, "clean \"EWR\"\n\u{1f327}\u{7f}\u{1}\\".into(), State::Failed, Why::Stale);
        assert_same(&Line::Ended(Box::new(ended.clone())));
        let there = There::new(print(u128::MAX / 15 * 7), Stamp::new(u64::MAX), 4_321);
        ended.there = Some(there.made_by(Provenance::new(print(1), None, print(3)).with_format(print(4))));
        ended.now = Some((Fingerprint::new(5), None));
        (ended.target, ended.store) = (Some("out/day/EWR-1".into()), "sqlite:x".into());
        (ended.at, ended.elapsed, ended.submitted) = (0.1 + 0.2, 1e-9, Some(1e21));
        (ended.loading, ended.saving, ended.memory, ended.bytes) = (0.1, f32::MIN_POSITIVE, 1 << 60, 7);
        let mut given = Given::new("hours");
        given.value = Some("[1, 2]".into());
        given.inputs = vec![Input::new("out/a".to_owned(), "sqlite:x".to_owned(), None); 2];
        given.inputs.push(Input::file("\u{1}.csv".as_ref(), print(9)));
        ended.given = vec![given, Given::new("station")];
        assert_same(&Line::Ended(Box::new(ended.clone())));

        (ended.is_part, ended.is_lazy, ended.stale) = (true, true, Reasons::INPUTS.and(Reasons::EDITED));
        (ended.elsewhere, ended.error, ended.root) = (Some("h 1 2".into()), Some("a\tb".into()), Some("".into()));
        (ended.format, ended.at, ended.submitted) = (print(1 << 64), f64::NAN, Some(-0.0));
        if let Some(there) = &mut ended.there {
            there.original = print(0x0123_4567_89ab_cdef_0fed_cba9_8765_4321);
        }
        ended.recorded = vec![Recorded::new("rmse", 0.25), Recorded::new("n", f64::NAN)];
        ended.logged = vec![Logged::new(2.5, "WARN", "3 rows".to_owned(), Some("a.rs:1".to_owned()), 4)];
        assert_same(&Line::Ended(Box::new(ended)));

        for (store, is) in [("", false), ("sqlite:x", true)] {
            let target = "out/\u{e4}.bin".into();
            assert_same(&Line::Cached(Cached {
                task: u32::MAX,
                target,
                store: store.into(),
                is_part: is,
                is_lazy: is,
            }));
        }
        assert_same(&Line::Over(Over { elapsed: f64::NAN, state: None }));
    }
}
